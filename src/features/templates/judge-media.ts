import { createAddressGuard } from '../../outbound/address-guard.ts';
import { blankOrForbidden, max_member_length, membersOf, type Verdict } from './judge-text.ts';
import type { Fault } from './parameter-faults.ts';
import type { Slot } from './slot.ts';

const max_id_length = 255;
const max_filename_length = 255;
const max_link_length = 2048;
const guard = createAddressGuard({ allowed_private_ranges: [] });

/** `{link}` or `{media_id}`; a document also with a `filename`. */
export function judgeMedia(value: unknown, slot: Slot): Verdict {
  const shape: Fault = { fault: slot.type === 'document' ? 'document' : 'media' };
  const members = membersOf(value, slot.type === 'document' ? ['link', 'media_id', 'filename'] : ['link', 'media_id']);
  if (!members) return shape;
  const texts: Record<string, string> = {};
  for (const [name, member] of members) {
    if (typeof member !== 'string') return shape;
    texts[name] = member;
  }
  const { link, media_id, filename } = texts;
  if ((link === undefined) === (media_id === undefined)) return shape;
  const fault =
    (link === undefined ? undefined : faultOfLink(link)) ??
    (media_id === undefined ? undefined : blankOrForbidden(media_id, max_id_length)) ??
    (filename === undefined ? undefined : blankOrForbidden(filename, max_filename_length));
  return fault ?? { value: texts };
}

/** By form only: the provider fetches it, not we. */
function faultOfLink(link: string): Fault | undefined {
  const fault = blankOrForbidden(link, max_link_length);
  if (fault) return fault;
  const is_public = guard.checkUrl(link).ok;
  // The URL parser forgives blanks and backslashes; whoever fetches the link may not.
  return is_public && /^https:\/\/[^\s\\]+$/i.test(link) ? undefined : { fault: 'link' };
}

/** A place with name and address; degrees as texts or numbers. */
export function judgeLocation(value: unknown): Verdict {
  const members = membersOf(value, ['latitude', 'longitude', 'name', 'address']);
  if (members?.size !== 4) return { fault: 'location' };
  const latitude = degrees(members.get('latitude'), 90);
  const longitude = degrees(members.get('longitude'), 180);
  if (latitude === undefined || longitude === undefined) return { fault: 'position' };
  const name = members.get('name');
  const address = members.get('address');
  if (typeof name !== 'string' || typeof address !== 'string') return { fault: 'location' };
  const fault = blankOrForbidden(name, max_member_length) ?? blankOrForbidden(address, max_member_length);
  return fault ?? { value: { latitude, longitude, name, address } };
}

/** As a plain decimal text with at most six places, which is a tenth of a metre. */
function degrees(value: unknown, max: number): string | undefined {
  if (typeof value === 'string' && !/^[+-]?\d{1,3}(?:\.\d{1,20})?$/.test(value)) return undefined;
  const number = typeof value === 'string' || typeof value === 'number' ? Number(value) : Number.NaN;
  return Math.abs(number) <= max ? String(Number(number.toFixed(6)) || 0) : undefined;
}
