import { createHash } from 'node:crypto';

/** One value that is followed everywhere. */
export interface Mark {
  name: string;
  value: string;
  kind: 'secret' | 'person' | 'company';
  /** Tables in which it may stand readable; a secret's is empty. */
  tables: string[];
}

const unique = (name: string) => createHash('sha256').update(`mark ${name}`).digest('hex').slice(0, 20);
const numeric = (name: string) => String(BigInt(`0x${unique(name)}`)).slice(0, 15);

const secret = (name: string, value = `MARK${unique(name)}`): Mark => ({
  ...{ name, value, kind: 'secret', tables: [] },
});
const shown = (kind: 'person' | 'company', name: string, tables: string[], value = `MARK${unique(name)}`): Mark => ({
  ...{ name, value, kind, tables },
});

/** Where events go: the feed, and what is told of them. */
const told = ['events'];

export const marks = {
  // Of providers.
  access_token: secret('access_token'),
  app_secret: secret('app_secret'),
  previous_app_secret: secret('previous_app_secret'),
  evolution_api_key: secret('evolution_api_key'),
  waha_api_key: secret('waha_api_key'),
  waha_hmac_key: secret('waha_hmac_key'),
  zapi_token: secret('zapi_token'),
  zapi_client_token: secret('zapi_client_token'),
  wppconnect_token: secret('wppconnect_token'),
  changed_token: secret('changed_token'),
  // What callers send and nobody keeps.
  admin_token: secret('admin_token'),
  wrong_key: secret('wrong_key'),
  wrong_admin: secret('wrong_admin'),
  wrong_door: secret('wrong_door'),
  wrong_signature: secret('wrong_signature'),
  cookie: secret('cookie'),
  unknown_member: secret('unknown_member'),
  torn_body: secret('torn_body'),
  query: secret('query'),
  // Of a person.
  phone: shown(
    'person',
    'phone',
    ['contacts', 'contact_identities', 'attendances', 'messages', ...told],
    '31981237741',
  ),
  other_phone: shown(
    'person',
    'other_phone',
    ['contacts', 'contact_identities', 'attendances', 'messages', ...told],
    '31981237752',
  ),
  name: shown('person', 'name', ['contacts', ...told]),
  profile_name: shown('person', 'profile_name', ['contacts', ...told]),
  email: shown('person', 'email', ['contacts', ...told], `mark${unique('email')}@example.com`),
  contact_ref: shown('person', 'contact_ref', ['contacts', ...told]),
  contact_metadata: shown('person', 'contact_metadata', ['contacts', ...told]),
  text: shown('person', 'text', ['messages', ...told]),
  parameter: shown('person', 'parameter', ['messages', ...told]),
  inbound_text: shown('person', 'inbound_text', ['messages', ...told]),
  attendance_ref: shown('person', 'attendance_ref', ['attendances', ...told]),
  attendance_metadata: shown('person', 'attendance_metadata', ['attendances', ...told]),
  close_reason: shown('person', 'close_reason', ['attendances', ...told]),
  resolve_reason: shown('person', 'resolve_reason', ['messages', ...told]),
  // Of the company.
  actor: shown('company', 'actor', ['attendances', 'messages', ...told]),
  idempotency_key: shown('company', 'idempotency_key', ['idempotency_keys']),
  waba_id: shown('company', 'waba_id', ['channels', 'contact_identities', ...told], numeric('waba_id')),
  instance: shown('company', 'instance', []),
  description: shown('company', 'description', ['webhook_endpoints', ...told]),
  team: shown('company', 'team', ['teams', ...told]),
  account: shown('company', 'account', ['accounts']),
} satisfies Record<string, Mark>;

/** The same value as it stands in other dress: base64 at each of its three offsets, hex, URL-escaped. */
function dresses({ value }: Pick<Mark, 'value'>): string[] {
  const bytes = Buffer.from(value);
  const offsets = [0, 1, 2].map((offset) => {
    const padded = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    // Its neighbours have a share in the first and the last letters.
    return padded.slice(offset === 0 ? 0 : offset + 1, -2);
  });
  const own = [value, bytes.toString('hex'), ...offsets];
  return [...new Set([...own, ...own.map((one) => encodeURIComponent(one))])].filter((one) => one.length >= 8);
}

/** Phones are written in many ways: the last eight digits, with and without what people put between them. */
const phoneDresses = (digits: string): string[] => {
  const last = digits.slice(-8);
  return [last, `${last.slice(0, 4)}-${last.slice(4)}`];
};

export const wordsOf = (mark: Mark): string[] =>
  mark.name.endsWith('phone') ? phoneDresses(mark.value) : dresses(mark);
