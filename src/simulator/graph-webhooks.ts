import { createHmac, randomBytes } from 'node:crypto';
import { type Aftermath, type Step, timedSteps } from './aftermath.ts';
import { demo_templates } from './demo-templates.ts';
import { demo_values } from './demo-values.ts';
import { graph_errors } from './graph-errors.ts';
import { graphPersonMessage } from './graph-person-message.ts';
import { isMembers, type Members } from './json.ts';
import type { People, Person } from './people.ts';
import type { Delivery, Plan } from './webhooks.ts';
import { company_number } from './whatsapp-number.ts';

/** A message that Graph accepted, as far as its statuses go. */
export interface GraphSent {
  channel: string;
  wamid: string;
  correlator: string | null;
  /** As it was addressed: a `wa_id`, or a user id when the number is not known. */
  recipient: string;
  /** Null for what is no template. */
  template_name: string | null;
}

/** A fresh message id as Graph writes them. */
export function newWamid(): string {
  return `wamid.${randomBytes(30).toString('base64')}`;
}

/** The bytes Meta sends: ASCII, everything else as `\uXXXX` in lower case, and each slash as `\/`. */
export function graphBytes(value: unknown): string {
  return JSON.stringify(value)
    .replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .replaceAll('/', '\\/');
}

/** One change of one entry, as a webhook's whole body; a value that is such a body already goes out as it is. */
export function graphDelivery(channel: string, event: string, about: string, value: unknown): Delivery {
  const is_whole = isMembers(value) && value.object !== undefined && value.entry !== undefined;
  const time = Math.floor(Date.now() / 1000);
  return {
    protocol: 'graph',
    channel,
    event,
    about,
    render: ({ account_id }, spoil) => {
      const entry = [{ id: account_id, time, changes: [{ field: event, value }] }];
      const body = graphBytes(is_whole ? value : { object: 'whatsapp_business_account', entry });
      const secret = spoil === 'badly_signed' ? 'another-secret' : demo_values.graph.app_secret;
      const signature = createHmac('sha256', secret).update(body).digest('hex');
      return {
        body,
        headers: {
          'content-type': 'application/json',
          'user-agent': 'facebookexternalua',
          'x-hub-signature-256': `sha256=${signature}`,
        },
      };
    },
  };
}

/** The members that open a value about a number's messages. */
export function graphValue(channel: string, members: Members): Members {
  const metadata = { display_phone_number: company_number, phone_number_id: channel };
  return { messaging_product: 'whatsapp', metadata, ...members };
}

/** A body with messages a person wrote. */
export function graphMessages(channel: string, person: Person, messages: Members[]): Delivery {
  const value = graphValue(channel, { contacts: [contactOf(person)], messages });
  return graphDelivery(channel, 'messages', 'message', value);
}

/** What Meta tells of an accepted message, and what its recipient does. */
export function graphAftermath(people: People, sent: GraphSent, aftermath: Aftermath, apart_ms: number): Plan {
  const person = people.find(sent.recipient);
  const { steps, ...how } = aftermath;
  const deliveries = timedSteps(steps, apart_ms).map(({ step, at }) =>
    deliveryOf(sent, person, people, steps, step, at),
  );
  return { ...how, deliveries };
}

function deliveryOf(sent: GraphSent, person: Person, people: People, steps: Step[], step: Step, at: Date): Delivery {
  const { channel } = sent;
  switch (step.kind) {
    case 'facts': {
      const statuses = step.facts.map((fact) => ({
        ...statusOf(sent, person, fact, at),
        recipient_user_id: person.bsuid,
        ...pricingOf(sent, fact, steps),
      }));
      const value = graphValue(channel, { contacts: [contactOf(person)], statuses });
      return graphDelivery(channel, 'messages', step.facts.join('+'), value);
    }
    case 'failed': {
      const { code, message, details } = graph_errors[step.error];
      const title = message.replace(/^\(#\d+\) /, '');
      const href = 'https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/';
      const errors = [{ code, title, message: title, error_data: { details }, href }];
      // A failed send to a phone names no user id, and nobody beside it.
      const user_id = person.wa_id === null ? { recipient_user_id: person.bsuid } : {};
      const statuses = [{ ...statusOf(sent, person, 'failed', at), ...user_id, errors }];
      return graphDelivery(channel, 'messages', 'failed', graphValue(channel, { statuses }));
    }
    case 'reply':
      return graphMessages(channel, person, [graphPersonMessage(person, newWamid(), { type: step.type, at })]);
    case 'opt_out':
      return graphPreference(channel, person, 'stop', at);
    case 'number_change':
      return numberChange(channel, person, people, at);
  }
}

/** Marketing messages stopped or resumed by the person. */
export function graphPreference(channel: string, person: Person, value: 'stop' | 'resume', at: Date): Delivery {
  const preference = {
    ...(person.wa_id === null ? {} : { wa_id: person.wa_id }),
    user_id: person.bsuid,
    detail: `User requested to ${value} marketing messages`,
    category: 'marketing_messages',
    value,
    timestamp: Math.floor(at.getTime() / 1000),
  };
  const body = graphValue(channel, { contacts: [contactOf(person)], user_preferences: [preference] });
  return graphDelivery(channel, 'user_preferences', value === 'stop' ? 'opt_out' : 'opt_in', body);
}

function statusOf(sent: GraphSent, person: Person, status: string, at: Date): Members {
  return {
    id: sent.wamid,
    status,
    timestamp: String(Math.floor(at.getTime() / 1000)),
    ...(person.wa_id === null ? {} : { recipient_id: person.wa_id }),
    ...(sent.correlator === null ? {} : { biz_opaque_callback_data: sent.correlator }),
  };
}

/** Comes with `sent` and with one of delivered and read. */
function pricingOf({ template_name }: GraphSent, fact: string, steps: Step[]): Members {
  const is_delivered_told = steps.some((step) => step.kind === 'facts' && step.facts.includes('delivered'));
  if (fact === 'read' && is_delivered_told) return {};
  const template = demo_templates.find(({ name }) => name === template_name);
  const category = template ? template.category.toLowerCase() : 'service';
  const type = template ? 'regular' : 'free_customer_service';
  return { pricing: { billable: template !== undefined, pricing_model: 'PMP', type, category } };
}

function contactOf({ name, wa_id, bsuid }: Person): Members {
  return { profile: { name }, ...(wa_id === null ? {} : { wa_id }), ...(bsuid === null ? {} : { user_id: bsuid }) };
}

/** The last four digits become `9…`; the user id goes with the number. System messages have no contacts beside them. */
function numberChange(channel: string, person: Person, people: People, at: Date): Delivery {
  const wa_id = person.wa_id?.replace(/\d(\d{3})$/, '9$1') ?? company_number;
  const after = people.find(wa_id);
  const message = {
    from: person.wa_id,
    from_user_id: person.bsuid,
    id: newWamid(),
    timestamp: String(Math.floor(at.getTime() / 1000)),
    type: 'system',
    system: {
      type: 'user_changed_number',
      body: `User ${person.name} changed from ${person.wa_id} to ${wa_id}`,
      wa_id,
      previous_user_id: person.bsuid,
      user_id: after.bsuid,
    },
  };
  return graphDelivery(channel, 'messages', 'number_change', graphValue(channel, { messages: [message] }));
}
