import type { Scope } from '../../context.ts';
import type { ChannelsRow } from '../../db/rows.ts';
import type { InboundEcho } from '../../providers/inbound.ts';
import type { Address } from '../../providers/provider.ts';
import { eventOf } from '../attendances/attendance-events.ts';
import { changeAttendance } from '../attendances/attendances.repository.ts';
import { lockActiveOf } from '../attendances/receptive.repository.ts';
import { insertEvents } from '../events/events.repository.ts';
import { readCorrelator } from '../messages/correlator.ts';
import { listByProviderIds, listReported } from '../messages/evidence.repository.ts';
import { toMessage } from '../messages/messages.repository.ts';
import { insertReceived } from '../messages/received.repository.ts';
import { listUnansweredLike } from '../messages/unanswered.repository.ts';
import { joinFacts } from './apply-status.ts';
import type { Applied, Place } from './receive-message.ts';
import { addressOf, isKnown, lookUp, phoneOf, resolvePerson } from './resolve-person.ts';

/**
 * A message in our direction: one of ours, which it proves to be sent, or to be known to the gateway at least; one in the air or in
 * doubt with the same text to the same person, which it settles (a gateway's echo overtakes the answer to its own send); else what
 * a person of the company typed on the phone, which joins the open attendance or is dropped.
 */
export async function applyEcho(trx: Scope, channel: ChannelsRow, event: InboundEcho, place: Place): Promise<Applied> {
  const ours = await findOurs(trx, channel, event);
  const { provider_message_id, at } = event;
  if (ours) {
    const fact = event.is_pending ? ('accepted' as const) : ('sent' as const);
    const evidence = { fact, at, error: null, provider_message_id };
    const { identities } = event.to;
    const [outcomes] = await joinFacts(trx, channel, [{ message: ours, evidence: [evidence], identities }]);
    return outcomes?.[0] ?? 'dropped';
  }
  return keepTyped(trx, channel, event, place);
}

async function findOurs(trx: Scope, channel: ChannelsRow, event: InboundEcho) {
  const named = event.correlator === null ? null : readCorrelator(trx.vault, event.correlator);
  const { provider_message_id } = event;
  const message_id = named?.message_id ?? null;
  const [found] = await listReported(trx, channel.id, [{ place: 0, message_id, provider_message_id }]);
  if (found || event.text === null) return found;
  const values = event.to.identities.flatMap(({ kind, value }) => addressesOf(kind, value));
  // It may go by another name of the person than our message was addressed to.
  const [named_here] = await lookUp(trx, channel, [{ identities: event.to.identities, known_id: null }]);
  const contact_ids = [...(named_here?.known.keys() ?? [])];
  const alike = await listUnansweredLike(trx, channel.id, { text: event.text, values, contact_ids, at: event.at });
  // Two alike settle neither: nobody could tell which.
  return alike.length === 1 ? alike[0] : undefined;
}

/** As a message of ours may be addressed to it: until an answer names the network's form, a number is written as it is dialled. */
function addressesOf(kind: Address['kind'], value: string): string[] {
  if (kind !== 'wa_id' && kind !== 'phone') return [value];
  const written = `+${value.replace(/\D/g, '')}`;
  const phone = phoneOf(written);
  return [value, written, ...(phone ? [phone.e164, ...phone.alternates] : [])];
}

async function keepTyped(trx: Scope, channel: ChannelsRow, event: InboundEcho, place: Place): Promise<Applied> {
  if ((await listByProviderIds(trx, channel.id, [event.provider_message_id])).length > 0) return 'repeated';
  if (!(await isKnown(trx, channel, event.to))) return 'dropped';
  const contact = await resolvePerson(trx, channel, event.to, event.at);
  const [active] = await lockActiveOf(trx, [contact.id], channel.id);
  const address = addressOf(event.to);
  if (!active || !address) return 'dropped';
  const [message] = await insertReceived(trx, [
    {
      id: place.message_id,
      attendance_id: active.id,
      contact_id: contact.id,
      channel_id: channel.id,
      direction: 'outbound',
      type: event.type,
      text: event.text,
      media: event.media,
      provider_message_id: event.provider_message_id,
      received_at: place.received_at,
      echo: { address_kind: address.kind, address: address.value, sent_at: event.at },
    },
  ]);
  if (!message) return 'repeated';
  const row = await changeAttendance(trx, active.id, {}, 1);
  const data = toMessage(message, [], 'en');
  const told = eventOf(trx, row, { type: 'message.sent', sequence: row.event_sequence, data, message_id: message.id });
  await insertEvents(trx, [told]);
  return 'applied';
}
