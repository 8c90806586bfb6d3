import type { TObject } from '@sinclair/typebox';
import type { HttpClient } from '../outbound/outbound.ts';
import type { InboundSide } from './inbound.ts';
import type { ProviderErrorCode } from './provider-errors.ts';

export {
  type ProviderErrorCode,
  type ProviderErrorKind,
  provider_errors,
} from './provider-errors.ts';

export type ChannelType = 'official' | 'unofficial';

export interface Capabilities {
  requires_template: boolean;
  opens_without_message: boolean;
  checks_number: boolean;
  chooses_message_id: boolean;
  reports_status: boolean;
}

/** What arrives with every call: a provider keeps no state. */
export interface ProviderCall {
  http: HttpClient;
  base_url: string;
  credentials: Record<string, string>;
  /** Version segment of Graph's URLs, such as `v25.0`; gateways ignore it. */
  graph_version: string;
  timeout_ms: number;
  signal: AbortSignal;
}

/** Where a message goes. `phone` is E.164 with `+`; the others are what the provider itself gave us. */
export interface Address {
  kind: 'phone' | 'wa_id' | 'bsuid' | 'parent_bsuid' | 'lid';
  value: string;
}

/** One filled slot of a template; `value` is a string, an object (media, location, product, data of a flow), or a list (sections of products). */
export interface FilledSlot {
  /** `header.1`, `header.image`, `body.1`, `body.nome`, `buttons.1.url`, `cards.0.buttons.1.url` … */
  key: string;
  component: string;
  /** Zero-based place of the button among all buttons of the template, or of the card among its cards. */
  index?: number;
  type: string;
  value: string | Record<string, unknown> | Record<string, unknown>[];
}

export type OutboundContent =
  | { type: 'text'; text: string }
  | {
      type: 'template';
      name: string;
      language: string;
      parameter_format: 'positional' | 'named';
      slots: FilledSlot[];
    };

export interface OutboundMessage {
  to: Address;
  content: OutboundContent;
  /** Names message and attempt; at most 512 characters; sent where the provider echoes such a value. */
  correlator: string;
}

/** Why a message did not go, in our words (`code`, one of the keys of `provider_errors`) and the provider's. */
export interface ProviderError {
  code: ProviderErrorCode;
  provider: { name: string; code: string | null; message: string | null; trace_id: string | null };
}

/** What a call taught us about the channel itself. */
export interface ChannelNews {
  status: ChannelStatus;
  detail: string | null;
}

export type ChannelStatus = 'connected' | 'connecting' | 'disconnected' | 'restricted' | 'unknown';

/**
 * accepted: 2xx with a message id · refused: for good · unavailable: surely not sent, or refused for now ·
 * ambiguous: bytes left and nobody can tell. See docs/dispatch.md for what each leads to.
 */
export type SendOutcome =
  | { kind: 'accepted'; provider_message_id: string; held: boolean; identities: Address[]; channel?: ChannelNews }
  /**
   * `suspects_template`: the provider's template may not be the one we know any more, and may be taken once it is read again.
   * `wants_sync`: it is another one, and is not.
   */
  | { kind: 'refused'; error: ProviderError; channel?: ChannelNews; suspects_template?: boolean; wants_sync?: boolean }
  /** `most_tries`: said so often of one message, it is final. Absent: as long as the message may wait. */
  | {
      kind: 'unavailable';
      error: ProviderError;
      retry_after_ms: number | null;
      most_tries?: number;
      channel?: ChannelNews;
    }
  /** `provider_message_id`: the one we chose, where the provider lets us; news of it settles the doubt. */
  | { kind: 'ambiguous'; error: ProviderError; channel?: ChannelNews; provider_message_id?: string };

/** `exists` carries the address to use from now on. `unavailable`: the question could not be asked; nothing was sent. */
export type NumberCheck =
  | { kind: 'exists'; address: Address; identities: Address[] }
  | { kind: 'absent'; error: ProviderError }
  | { kind: 'unavailable'; error: ProviderError; retry_after_ms: number | null; channel?: ChannelNews };

export interface ProviderTemplate {
  provider_template_id: string;
  name: string;
  language: string;
  category: 'marketing' | 'utility' | 'authentication' | 'unknown';
  status: 'approved' | 'pending' | 'rejected' | 'paused' | 'disabled' | 'archived' | 'deleted' | 'unknown';
  quality: 'green' | 'yellow' | 'red' | 'unknown';
  parameter_format: 'positional' | 'named';
  /** As the provider gave them (Meta's component language). */
  components: Record<string, unknown>[];
}

export type TemplateListing =
  | { kind: 'listed'; templates: ProviderTemplate[] }
  | { kind: 'unavailable'; error: ProviderError; channel?: ChannelNews };

/** One provider: one folder, one line in registry.ts. No function throws for anything a provider answers. */
export interface Provider {
  name: string;
  type: ChannelType;
  /** Every member is a secret or an identifier, all are sealed together. */
  credentials: TObject;
  /** Absent: the channel must bring its `base_url`. */
  default_base_url?: string;
  default_max_per_second: number;
  capabilities: Capabilities;
  send: (call: ProviderCall, message: OutboundMessage) => Promise<SendOutcome>;
  /** The id under which the provider knows a message, where we choose it: the same for all of its attempts. */
  chosenId?: (message_id: string) => string;
  checkChannel: (call: ProviderCall) => Promise<ChannelNews>;
  checkNumber?: (call: ProviderCall, phone: string) => Promise<NumberCheck>;
  listTemplates?: (call: ProviderCall) => Promise<TemplateListing>;
  inbound: InboundSide;
}
