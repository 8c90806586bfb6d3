import type { Knex } from 'knex';

/** People of made-up names and numbers: the same for the same place, so that fragments can be told before they are looked for. */

const first_names =
  'Ana José Bia João Caio Márcia Davi Inês Rui Conceição Zé Luís Eva Cauã Noé Íris Léo Ivo Lia Sônia'.split(' ');
const syllables =
  'ba be bi bo ça ce ci co da de di do fa fe fi fo ga ge gi go ja jo la le li lo ma me mi mo na ne ni no pa pe pi po ra re ri ro sá sé si so ta te ti to va ve vi vo xa xe xi zu'.split(
    ' ',
  );

/** Whoever is counted so has a name that only they have. */
const rare_each = 2_000;

/** As many contacts as are asked for, `from` one place on, in one statement; ids are in the order of places. */
const insert_people = `
  with given as (
    select i, (cast(:firsts as text[]))[1 + i % cardinality(cast(:firsts as text[]))] as first,
           (cast(:parts as text[])) as parts, abs(hashint8(i)) as one, abs(hashint8(i + 7000000001)) as two
      from generate_series(cast(:from as bigint), cast(:to as bigint)) i
  ),
  named as (
    select i, first || ' ' || initcap(parts[1 + one % cardinality(parts)] || parts[1 + (one / 64) % cardinality(parts)] || parts[1 + (one / 4096) % cardinality(parts)])
             || ' ' || initcap(parts[1 + two % cardinality(parts)] || parts[1 + (two / 64) % cardinality(parts)])
             || case when i % ${rare_each} = 0 then ' Wrêk' else '' end as name,
           '55' || (11 + one % 89) || '9' || lpad(cast(60000000 + (cast(two as bigint) * 7919 + i) % 39999999 as text), 8, '0') as digits
      from given
  )
  insert into contacts (account_id, id, name, phone, phone_key, phone_digits, created_at, updated_at)
  select :account_id, cast(lpad(to_hex(i + 1000000), 12, '0') || '7000' || '8000' || substr(md5(cast(:account_id as text) || i), 1, 12) as uuid),
         name, '+' || digits, '+' || digits, digits || ' ' || substr(digits, 1, 4) || substr(digits, 6), now(), now()
    from named
  on conflict do nothing`;

export async function insertPeople(db: Knex, account_id: string, from: number, to: number): Promise<void> {
  await db.raw(insert_people, { account_id, from, to, firsts: first_names, parts: syllables });
}

export type FragmentKind = 'name' | 'accents' | 'rare, 3 letters' | 'number' | 'common name';

/** Texts to look for, out of the names and numbers of people who are there. */
export function fragmentsOf(kind: FragmentKind, { name, phone }: { name: string; phone: string }): string {
  const [first = '', last = ''] = name.split(' ');
  switch (kind) {
    case 'name':
      return last.slice(0, 5);
    case 'accents':
      return last.slice(0, 5).normalize('NFD').replace(/\p{M}/gu, '').toUpperCase();
    case 'rare, 3 letters':
      return 'wre';
    case 'number':
      // With its ninth digit in front: a leading 0 would be taken for a trunk prefix.
      return phone.slice(5, 11);
    case 'common name':
      return first;
  }
}
