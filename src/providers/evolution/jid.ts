import type { Address } from '../provider.ts';

/** A person's JID without its device suffix, and else whole: so Evolution wants it back. Null for what is no person's. */
export function addressOf(jid: unknown): Address | null {
  const [, user, server] = (typeof jid === 'string' && /^(\d{5,32})(?::\d+)?@(s\.whatsapp\.net|lid)$/.exec(jid)) || [];
  if (user === undefined || server === undefined) return null;
  return { kind: server === 'lid' ? 'lid' : 'wa_id', value: `${user}@${server}` };
}

/**
 * A person named by several JIDs: the first number, as wa_id and as phone, and the first LID. `own` is the JID of the
 * instance itself, which some builds put beside the other's.
 */
export function identitiesOf(jids: unknown[], own: unknown): Address[] {
  const self = addressOf(own)?.value;
  const addresses = jids.map(addressOf).filter((address) => address !== null && address.value !== self);
  const identities: Address[] = [];
  const wa_id = addresses.find((address) => address?.kind === 'wa_id');
  const lid = addresses.find((address) => address?.kind === 'lid');
  if (wa_id) identities.push(wa_id);
  const [, digits] = (wa_id && /^([1-9]\d{6,14})@/.exec(wa_id.value)) || [];
  if (digits !== undefined) identities.push({ kind: 'phone', value: `+${digits}` });
  if (lid) identities.push(lid);
  return identities;
}
