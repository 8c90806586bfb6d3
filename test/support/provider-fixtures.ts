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

/** All that the conformance suite has to know of one provider. */
export interface ProviderFixtures {
  credentials: Record<string, string>;
  /** Sent in every generic case. */
  message: OutboundMessage;
  /** What an accepted answer looks like on the wire; the generic cases cut and reset it. */
  accepted_body: string;
  /** Each message and the request that it must become. */
  requests: { title: string; message: OutboundMessage; expected: Partial<ScriptedRequest>; body: unknown }[];
  /** Refused before anything is asked. */
  unsendable: { title: string; message: OutboundMessage; code: string }[];
  sends: Case<SendOutcome>[];
  channel_checks: Case<ChannelNews>[];
  number_checks: Case<NumberCheck>[];
  template_listings: Case<TemplateListing>[];
}
