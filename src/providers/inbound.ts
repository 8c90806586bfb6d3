import type { Address, ChannelNews, ProviderError, ProviderTemplate } from './provider.ts';

/** What a provider's webhook tells, in our words. Times are the provider's own. */

/** A person as one body names them: everything in `identities` is proved by that body to be the same one. */
export interface InboundPerson {
  /** `phone` (E.164 with `+`) only where the provider says that it is one; the others as the provider writes them. */
  identities: Address[];
  profile_name: string | null;
}

/** Kept as a reference: ids and metadata, never the bytes. */
export type InboundMedia = Record<string, unknown>;

export interface InboundMessage {
  kind: 'message';
  /** The bare, stable id; the same in every repeat. */
  provider_message_id: string;
  at: Date;
  from: InboundPerson;
  /** `text`, `image`, `audio`, `location`, `contacts`, `button_reply`, `order`, `reaction`, `unsupported` … */
  type: string;
  /** What a person would read: text, caption, the button's label; null for none. */
  text: string | null;
  media: InboundMedia | null;
  /** The provider's id of the message that it answers or reacts to. */
  reply_to: string | null;
  /** True for what opens an attendance and the service window; false (a reaction) joins an open one or is dropped. */
  opens: boolean;
}

/** The contact changed or withdrew what they wrote. */
export interface InboundChange {
  kind: 'edit' | 'revoke';
  original_id: string;
  at: Date;
  /** The new text of an edit. */
  text: string | null;
}

/** News of a message that we sent (T5). */
export interface InboundStatus {
  kind: 'status';
  provider_message_id: string | null;
  /** As we gave it with the send, where the provider echoes it. */
  correlator: string | null;
  fact: 'accepted' | 'held' | 'sent' | 'delivered' | 'read' | 'failed';
  at: Date;
  /** With `failed`. */
  error: ProviderError | null;
  /** What the provider calls the recipient, proved by this body. */
  identities: Address[];
}

/** A message in our direction: sent by us, or typed by a person of the company on the phone. */
export interface InboundEcho {
  kind: 'echo';
  provider_message_id: string;
  correlator: string | null;
  at: Date;
  to: InboundPerson;
  type: string;
  text: string | null;
  media: InboundMedia | null;
  /** The gateway has it, and WhatsApp's servers have not, or not yet; false where that is not told. */
  is_pending: boolean;
}

/** The person formerly named by `before` is now named by `after`. */
export interface InboundIdentity {
  kind: 'identity';
  at: Date;
  before: Address[];
  after: Address[];
}

export interface InboundTemplate {
  kind: 'template';
  provider_template_id: string | null;
  name: string;
  /** As listings write it: `pt_BR`. */
  language: string;
  at: Date;
  /** Null: not told. */
  status: ProviderTemplate['status'] | null;
  category: ProviderTemplate['category'] | null;
  quality: ProviderTemplate['quality'] | null;
  /** More changed than this body tells: the templates are to be read again. */
  needs_sync: boolean;
}

export interface InboundChannel {
  kind: 'channel';
  at: Date;
  news: ChannelNews;
}

/** Marketing messages stopped or resumed by the person. */
export interface InboundOptOut {
  kind: 'opt_out';
  at: Date;
  person: InboundPerson;
  opted_out: boolean;
}

/** Nothing for us, with the reason in snake_case: `group`, `own_device`, `history`, `unknown_type`, `other_number` … */
export interface InboundIgnored {
  kind: 'ignored';
  reason: string;
}

export type InboundEvent =
  | InboundMessage
  | InboundChange
  | InboundStatus
  | InboundEcho
  | InboundIdentity
  | InboundTemplate
  | InboundChannel
  | InboundOptOut
  | InboundIgnored;

/** A body as it came in at the door. Header names are lower case. */
export interface InboundBody {
  raw: Buffer;
  headers: Record<string, string | string[] | undefined>;
}

/** What of a provider serves the door and the inbound lane. */
export interface InboundSide {
  /**
   * Whether the body is signed by the provider with this channel's secret (timing-safe; an absent or malformed signature is
   * not). Null where the channel has no secret to sign with: then the channel's token is asked for. Absent: it never signs.
   */
  isSigned?: (body: InboundBody, credentials: Record<string, string>) => boolean | null;
  /** False: the gateway cannot be told to send a header of ours, so the channel's token stands in its URL. Absent: it can. */
  sends_headers?: false;
  /** The text to answer a GET handshake with; null when it is none, or for another token (timing-safe). Absent: no handshake. */
  answerHandshake?: (query: Record<string, unknown>, verify_token: string) => string | null;
  /**
   * A parsed body as events, in its order. Never throws: what it does not know is `ignored`, with the reason; one odd item
   * does not hide its neighbours. What belongs to another number than this channel's is `ignored` as `other_number`.
   * `received_at` (now when left out) stands in for a time that the body does not tell.
   */
  parse: (body: unknown, credentials: Record<string, string>, received_at?: Date) => InboundEvent[];
  /** Where the provider's opaque user ids are unique, such as `portfolio:<waba_id>`. Absent: in the channel. */
  identityScope?: (credentials: Record<string, string>) => string;
}
