import { randomBytes } from 'node:crypto';
import t from 'tap';
import type { Scope } from '../../../src/context.ts';
import { violatedConstraint } from '../../../src/db/pg-errors.ts';
import type { StartWrite } from '../../../src/features/attendances/start.repository.ts';
import type { StartAttendanceBody } from '../../../src/features/attendances/start.schema.ts';
import { startAttendance } from '../../../src/features/attendances/start-attendance.ts';
import { gatherStartRows, single_start_rows } from '../../../src/features/attendances/start-rows.ts';
import { startService } from '../../support/service.ts';

const service = await startService(t, { with_lanes: false });
const [company, other] = [await service.createCompany(), await service.createCompany()];

/** As a request of theirs would bring it; nothing here is sealed for a replay. */
function scopeFor({ account_id }: { account_id: string }): Scope {
  const vault = { seal: () => Buffer.alloc(1), unseal: () => Buffer.alloc(1), mac: () => Buffer.alloc(32) };
  return { ...service.ctx, account_id, default_country: 'BR', vault, api_key_id: null };
}

const bodyOf = ({ team_id, unofficial_id }: typeof company, phone: string): StartAttendanceBody => ({
  contact: { phone },
  channel_id: unofficial_id,
  team_id,
  text: 'Olá!',
});

/** What a start would write, not written. */
async function writeOf(of: typeof company, phone: string, key: string): Promise<StartWrite> {
  let kept: StartWrite | undefined;
  const record = { key, fingerprint: randomBytes(32), seal: () => randomBytes(8) };
  const insert = async (_: unknown, write: StartWrite) => {
    kept = write;
  };
  await startAttendance(scopeFor(of), bodyOf(of, phone), record, { ...single_start_rows, insert });
  if (!kept) throw new Error('a start that writes nothing');
  return kept;
}

/** How each ended: the constraint that it broke, or that it was written. */
const insertTogether = async (writes: StartWrite[]) => {
  const rows = gatherStartRows(service.ctx);
  const told = await Promise.allSettled(writes.map((write) => rows.insert(service.ctx, write)));
  return told.map((one) => (one.status === 'fulfilled' ? 'written' : violatedConstraint(one.reason)));
};

async function countRows(write: StartWrite): Promise<number[]> {
  const { account_id, attendance_id, contact_id } = write;
  const tables: [string, Record<string, string>][] = [
    ['idempotency_keys', { account_id, key: write.record?.key ?? '' }],
    ['contacts', { account_id, id: contact_id }],
    ['contact_identities', { account_id, contact_id }],
    ['attendances', { account_id, id: attendance_id }],
    ['messages', { account_id, attendance_id }],
    ['events', { account_id, contact_id }],
  ];
  const found = await Promise.all(tables.map(([name, where]) => service.db(name).where(where).select('account_id')));
  return found.map((rows) => rows.length);
}

t.test('starts of two accounts that are written together: each has its rows in its own account', async (t) => {
  const writes = [
    await writeOf(company, '31988880001', 'k1'),
    await writeOf(other, '31988880001', 'k1'),
    await writeOf(company, '31988880002', 'k2'),
  ];
  t.same(await insertTogether(writes), ['written', 'written', 'written']);
  for (const write of writes) t.same(await countRows(write), [1, 1, 1, 1, 1, 2]);
  const txids = await service
    .db('events')
    .whereIn(
      'contact_id',
      writes.map((write) => write.contact_id),
    )
    .distinct('txid');
  t.equal(txids.length, 1, 'one transaction for all of them');
});

t.test('of starts that are written together, one that may not be fails alone and leaves nothing', async (t) => {
  const good = [await writeOf(company, '31988880011', 'k11'), await writeOf(other, '31988880012', 'k12')];
  const number_taken = await writeOf(company, '31988880013', 'k13');
  // Somebody made a contact of that number since all was read.
  if (number_taken.contact) number_taken.contact.phone_key = '+5531988880001';
  const key_taken = await writeOf(company, '31988880014', 'k1');
  const team_gone = await writeOf(company, '31988880015', 'k15');
  if (team_gone.attendance) team_gone.attendance.team_id = other.team_id;
  const writes = [...good, number_taken, key_taken, team_gone];
  t.same(await insertTogether(writes), [
    'written',
    'written',
    'contacts_phone_key',
    'idempotency_keys_key',
    'attendances_account_id_team_id_fkey',
  ]);
  for (const write of good) t.same(await countRows(write), [1, 1, 1, 1, 1, 2]);
  for (const write of [number_taken, team_gone]) t.same(await countRows(write), [0, 0, 0, 0, 0, 0]);
  t.same((await countRows(key_taken)).slice(1), [0, 0, 0, 0, 0], 'its key is the one of another');
});

t.test('starts that are read together are each told of their own account', async (t) => {
  const rows = gatherStartRows(service.ctx);
  const asked = [company, other, company].map(({ account_id, team_id, unofficial_id }, place) => ({
    account_id,
    contact_id: null,
    phone_key: place === 2 ? '+5531988880099' : '+5531988880001',
    channel_id: unofficial_id,
    team_id,
    template_id: null,
    template_name: null,
    template_language: null,
  }));
  const foreign = { ...(asked[0] as (typeof asked)[number]), account_id: other.account_id };
  const facts = await Promise.all([...asked, foreign].map((question) => rows.read(service.ctx, question)));
  const contacts = await Promise.all(
    [company, other].map(({ account_id }) =>
      service.db('contacts').where({ account_id, phone_key: '+5531988880001' }).first('id'),
    ),
  );
  t.same(
    facts.map(({ contact }) => contact?.id ?? null),
    [contacts[0].id, contacts[1].id, null, contacts[1].id],
  );
  t.same(
    facts.map(({ team, channels, open }) => [team !== null, channels.length, open !== null]),
    [
      [true, 1, true],
      [true, 1, true],
      [true, 1, false],
      [false, 0, false],
    ],
    'the channel and team of another account are nobody’s',
  );
});
