import type { Scope } from '../../context.ts';
import { endAttendance } from '../attendances/close-attendance.ts';
import { lockAttendancesOfContact } from '../attendances/erase.repository.ts';
import { listSecondActive, moveAttendances } from '../attendances/merge.repository.ts';
import { blankContact, learnAbout, lockContact } from '../contacts/change.repository.ts';
import { type ContactWithIdentities, findContact } from '../contacts/contacts.repository.ts';
import { markMerged, moveIdentities } from '../contacts/identities.repository.ts';
import { tellContact } from '../contacts/tell-contact.ts';
import { moveEvents } from '../events/erase.repository.ts';
import { moveAttempts } from '../messages/merge.repository.ts';

/**
 * Two contacts turned out to be one person: `from` goes into `into`. Of two open attendances on one channel the oldest
 * survives, the others close with `merged` and their queued messages are cancelled; the old id goes on to answer with the survivor.
 */
export async function mergeContacts(trx: Scope, into: string, from: string): Promise<void> {
  // In one order, whichever way two merges come.
  const attendances = new Map<string, string[]>();
  for (const id of [into, from].toSorted()) attendances.set(id, await lockAttendancesOfContact(trx, id));
  const survivor = await lockContact(trx, into);
  const merged = await lockContact(trx, from);
  // Another process was faster, and one of them is the other, or a third, by now.
  if (survivor?.id !== into || merged?.id !== from) return;
  for (const attendance_id of await listSecondActive(trx, [into, from]))
    await endAttendance(trx, attendance_id, 'merged');
  const kept = keepOf(survivor, merged);
  await moveIdentities(trx, from, into);
  // Blanked first: its number is the survivor's from here on.
  await moveAttendances(trx, from, into);
  await moveAttempts(trx, attendances.get(from) ?? [], into);
  await moveEvents(trx, from, into);
  await blankContact(trx, from, trx.now());
  await markMerged(trx, from, into);
  await learnAbout(trx, into, kept);
  const more = { merged_contact_id: from };
  await tellContact(trx, 'contact.merged', (await findContact(trx, into)) ?? survivor, more);
  trx.log.info({ account_id: trx.account_id, contact_id: into, merged_contact_id: from }, 'contact.merged');
}

const latest = (...times: (Date | null)[]): Date | null =>
  times.reduce((last, one) => (one !== null && (last === null || one > last) ? one : last), null);

/** What the survivor lacks and the other one has; an opt-out of either counts. */
function keepOf(survivor: ContactWithIdentities, merged: ContactWithIdentities) {
  const number =
    survivor.phone === null
      ? { phone: merged.phone, phone_key: merged.phone_key, phone_digits: merged.phone_digits }
      : {};
  return {
    ...number,
    name: survivor.name ?? merged.name,
    profile_name: survivor.profile_name ?? merged.profile_name,
    email: survivor.email ?? merged.email,
    external_ref: survivor.external_ref ?? merged.external_ref,
    metadata: { ...(merged.metadata as object), ...(survivor.metadata as object) },
    marketing_opted_out_at: survivor.marketing_opted_out_at ?? merged.marketing_opted_out_at,
    marketing_preference_at: latest(
      survivor.marketing_preference_at,
      survivor.marketing_opted_out_at,
      merged.marketing_preference_at,
      merged.marketing_opted_out_at,
    ),
  };
}
