import type { InboundEvent, InboundStatus } from '../../src/providers/inbound.ts';
import type {
  ChannelNews,
  NumberCheck,
  OutboundMessage,
  SendOutcome,
  TemplateListing,
} from '../../src/providers/provider.ts';
import type { Reaction, ScriptedRequest } from './scripted-server.ts';

/** One thing a provider answers, and what we must make of it (matched, not equalled). */
export interface Case<Outcome> {
  title: string;
  answers: Reaction[];
  expected: Partial<Outcome> | Record<string, unknown>;
}

/** One whole body of a webhook, and every event that it must become: matched, in this order, neither more nor fewer. */
export interface InboundCase {
  title: string;
  body: unknown;
  expected: ({ kind: InboundEvent['kind'] } & Record<string, unknown>)[];
}

/**
 * What a provider's webhooks look like. Every body is for the channel of `credentials` and carries one item, except in `others`.
 * test/support/inbound-conformance.ts judges them all, and each again with each of its fields dropped: nothing throws, no
 * event is malformed (test/support/inbound-events.ts says what is), and none comes that the whole body did not hold.
 */
export interface InboundFixtures {
  /** A person writes a text: one `message` that opens, with at least one identity and the profile name. */
  text: InboundCase;
  /** One status for each fact that the provider can report; `delivered` and `read` where it reports any. */
  statuses: Partial<Record<InboundStatus['fact'], InboundCase>>;
  /** A message in our direction, typed on the phone: one `echo` with whom it went to. */
  echo: InboundCase;
  /** A message in a group: one `ignored`, reason `group`. */
  group: InboundCase;
  /** `text` for another number, session or instance: one `ignored`, reason `other_number`. */
  other_number: InboundCase;
  /** Every other body that the provider is known to send. */
  others: InboundCase[];
  /** Bodies in the provider's envelope that mean nothing: each is `ignored`, once or more. The suite adds plain rubbish. */
  rubbish: unknown[];
  /** Where the provider signs: a body with its right signature for `credentials`, made without our code. The suite alters it. */
  signed?: { raw: Buffer; headers: Record<string, string> };
}

/** All that the conformance suite has to know of one provider. */
export interface ProviderFixtures {
  credentials: Record<string, string>;
  /** Sent in every generic case. */
  message: OutboundMessage;
  /** What an accepted answer looks like on the wire; the generic cases cut and reset it. */
  accepted_body: string;
  /** What is asked before every message is handed over, by a part of its path, and the answer that lets it pass. */
  before_send?: { path: string; answer: Reaction };
  /** Each message and the request that it must become. */
  requests: { title: string; message: OutboundMessage; expected: Partial<ScriptedRequest>; body: unknown }[];
  /** Refused before anything is asked. */
  unsendable: { title: string; message: OutboundMessage; code: string }[];
  sends: Case<SendOutcome>[];
  channel_checks: Case<ChannelNews>[];
  number_checks: Case<NumberCheck>[];
  template_listings: Case<TemplateListing>[];
  inbound: InboundFixtures;
}
