/** What events show: things as REST answers them, by their component's name. */
export type ShownThing = 'Contact' | 'Attendance' | 'Message' | 'Channel' | 'Template' | 'WebhookEndpoint';

export interface EventKind {
  data: ShownThing | 'MergedContact' | 'ErasedContact';
  /** When it is told, in a sentence. */
  says: string;
  /** How its example differs from that of `data`. */
  example?: Record<string, unknown>;
}

export const example_at = '2026-11-22T12:00:05.000Z';
const lost = {
  code: 'provider_answer_lost',
  detail:
    'The message may or may not have been sent: no clear answer came. It is not repeated unless the channel or a person says so.',
  retryable: false,
  action: 'wait',
  provider: null,
};
const undeliverable = {
  code: 'recipient_undeliverable',
  detail: 'The message could not be delivered to this number.',
  retryable: false,
  action: 'fix_number',
  provider: null,
};

/** Every type of event there is; each is written in the transaction of the change it tells of. */
export const event_kinds = {
  'contact.created': { data: 'Contact', says: 'A contact was made.' },
  'contact.updated': { data: 'Contact', says: 'A contact changed.' },
  'contact.merged': {
    data: 'MergedContact',
    says: 'Two contacts turned out to be one person; the id of the other goes on to answer with this one.',
  },
  'contact.erased': { data: 'ErasedContact', says: 'A person was erased; nothing that names them is left.' },
  'contact.opted_out': {
    data: 'Contact',
    says: 'The person wants no marketing any more.',
    example: { marketing_opted_out_at: example_at },
  },
  'contact.opted_in': { data: 'Contact', says: 'The person takes marketing again.' },
  'attendance.started': { data: 'Attendance', says: 'An attendance was started, or a failed one tried again.' },
  'attendance.opened': {
    data: 'Attendance',
    says: 'The first message was accepted, or the contact wrote; told again when a failed or closed one comes back.',
    example: { status: 'open', first_message: { status: 'accepted' } },
  },
  'attendance.failed': {
    data: 'Attendance',
    says: 'The first message was refused, or could not be delivered; told again when a retry fails.',
    example: { status: 'failed', first_message: { status: 'failed', error: undeliverable } },
  },
  'attendance.transferred': {
    data: 'Attendance',
    says: 'Another team looks after it.',
    example: { status: 'open', team: { name: 'Suporte' }, first_message: { status: 'read' } },
  },
  'attendance.closed': {
    data: 'Attendance',
    says: 'It was closed.',
    example: { status: 'closed', first_message: { status: 'read' }, closed_at: example_at, close_reason: 'resolved' },
  },
  'message.accepted': { data: 'Message', says: 'The provider took it.' },
  'message.held': {
    data: 'Message',
    says: 'The provider took it and holds it back.',
    example: { status: 'held', held_at: example_at },
  },
  'message.sent': { data: 'Message', says: 'It left the provider.', example: { status: 'sent', sent_at: example_at } },
  'message.delivered': {
    data: 'Message',
    says: 'It arrived.',
    example: { status: 'delivered', sent_at: example_at, delivered_at: example_at },
  },
  'message.read': {
    data: 'Message',
    says: 'It was read.',
    example: { status: 'read', sent_at: example_at, delivered_at: example_at, read_at: example_at },
  },
  'message.failed': {
    data: 'Message',
    says: 'It was refused or given up.',
    example: { status: 'failed', failed_at: example_at, error: undeliverable },
  },
  'message.cancelled': {
    data: 'Message',
    says: 'It was not sent: its attendance was closed, merged or failed before.',
    example: { status: 'cancelled', accepted_at: null, provider_message_id: null, attempts: [] },
  },
  'message.unknown': {
    data: 'Message',
    says: 'It may or may not have been sent; it waits for evidence or a decision.',
    example: {
      status: 'unknown',
      accepted_at: null,
      provider_message_id: null,
      error: lost,
      attempts: [{ number: 1, started_at: example_at, finished_at: example_at, outcome: 'ambiguous', error: lost }],
    },
  },
  'message.stuck': {
    data: 'Message',
    says: 'It was accepted so long ago that its silence is news.',
    example: { stuck: true },
  },
  'message.id_conflict': {
    data: 'Message',
    says: 'The provider reported it under a second id: it went out more than once.',
  },
  'message.received': {
    data: 'Message',
    says: 'The contact wrote.',
    example: { direction: 'inbound', status: 'received', text: 'Oi!', accepted_at: null, attempts: [] },
  },
  'service_window.opened': {
    data: 'Attendance',
    says: 'The contact wrote when the window was shut: free text may be sent for 24 h. A later `message.received` may move its end without this event (a reaction does not): read `service_window`.',
    example: { status: 'open', service_window: { status: 'active', expires_at: '2026-11-23T12:00:05.000Z' } },
  },
  'channel.status_changed': {
    data: 'Channel',
    says: 'A channel was connected, disconnected or restricted.',
    example: { status: 'disconnected' },
  },
  'template.status_changed': {
    data: 'Template',
    says: 'The provider approved, paused or otherwise judged a template.',
    example: { status: 'paused' },
  },
  'webhook_endpoint.disabled': {
    data: 'WebhookEndpoint',
    says: 'An endpoint was disabled: by a request, by its 410, or after 5 days of failures. Nothing is sent to it any more.',
    example: { is_enabled: false, disabled_reason: 'gone' },
  },
} satisfies Record<string, EventKind>;

/** Sent to the one endpoint that it is about and never written: in no feed and on no stream. */
export const unwritten_kinds: Record<string, EventKind> = {
  'webhook_endpoint.test': { data: 'WebhookEndpoint', says: 'A test of this endpoint was asked for.' },
};
