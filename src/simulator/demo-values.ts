/** What the simulator's two demo accounts are called: the demo, the docs and tests enter these as credentials. */
export const demo_values = {
  graph: {
    access_token: 'simulator-token',
    phone_number_id: '100000000000001',
    waba_id: '200000000000001',
    app_secret: 'simulator-app-secret',
  },
  evolution: { instance: 'demo', api_key: 'simulator-key' },
  waha: { session: 'demo', api_key: 'simulator-key' },
  zapi: { instance_id: 'demo', token: 'simulator-token' },
  wppconnect: { session: 'demo', token: 'simulator-token' },
} as const;

/** Senders and instances are made up freely by whoever calls: any name of this form exists … */
export const name_pattern = /^[A-Za-z0-9_-]{1,128}$/;

/** … but one that starts with this is unknown to the provider (Graph 100/33, Evolution 404) … */
export const missing_prefix = 'missing';

/** … and one that starts with this has no connection (Graph 133010, Evolution state `close`). */
export const closed_prefix = 'closed';
