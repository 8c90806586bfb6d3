import { createHash } from 'node:crypto';
import { digitsOf, waIdOf } from './whatsapp-number.ts';

/** A simulated WhatsApp user, by all that a provider may call them. Null: kept from us. */
export interface Person {
  /** Digits, as WhatsApp writes the number. */
  wa_id: string | null;
  bsuid: string | null;
  /** With `@lid`. */
  lid: string | null;
  name: string;
}

export interface People {
  /** The person with this number (any form), user id or linked id; made up, always the same, when nobody met them. */
  find: (address: string) => Person;
  /** Keeps what was told of a person over what was made up. */
  meet: (address: string, told: { name?: string; bsuid?: string; lid?: string }) => Person;
}

/** A person is kept under three of them. */
const max_keys = 10_000;
const names = ['Ana Lúcia', 'Bruno', 'Célia', 'Davi', 'Eloá', 'Fábio', 'Graça', 'Heitor', 'Inês', 'João'];
const user_id_pattern = /^[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}$/;

/** How an address names a person; null for what is none. */
export function addressKind(address: string): 'number' | 'bsuid' | 'lid' | null {
  if (user_id_pattern.test(address)) return 'bsuid';
  if (/^\d{5,20}@lid$/.test(address)) return 'lid';
  return /^[\d\s()+-]+$/.test(address) && /^\d{7,15}$/.test(digitsOf(address)) ? 'number' : null;
}

/** At least the 3,000 persons last met are kept as told; others are made up again. */
export function openPeople(): People {
  const met = new Map<string, Person>();
  const keep = (person: Person) => {
    for (const key of [person.wa_id, person.bsuid, person.lid]) {
      if (key === null) continue;
      met.delete(key);
      met.set(key, person);
    }
    for (const oldest of met.keys()) if (met.size > max_keys) met.delete(oldest);
    return person;
  };
  const find: People['find'] = (address) => {
    const key = addressKind(address) === 'number' ? waIdOf(digitsOf(address)) : address;
    return met.get(key) ?? keep(madeUp(key));
  };
  return { find, meet: (address, told) => keep({ ...find(address), ...told }) };
}

/** From the address alone, so that every simulator makes up the same person. */
function madeUp(key: string): Person {
  const hash = createHash('sha256').update(key).digest();
  const name = names[hash.readUInt8(0) % names.length] ?? 'Ana';
  const kind = addressKind(key);
  if (kind === 'bsuid') return { wa_id: null, bsuid: key, lid: null, name };
  if (kind === 'lid') return { wa_id: null, bsuid: null, lid: key, name };
  const country = key.startsWith('55') ? 'BR' : 'US';
  const lid = `1${String(hash.readBigUInt64BE(8) % 10n ** 14n).padStart(14, '0')}@lid`;
  return { wa_id: key, bsuid: `${country}.${hash.toString('hex', 16, 26).toUpperCase()}`, lid, name };
}
