import { setTimeout as delay } from 'node:timers/promises';
import { openServer } from '../bench/database.ts';
import { connect } from '../src/db/connection.ts';
import { startSimulator } from '../src/simulator/simulator.ts';
import { startDatabaseProxy } from '../test/support/database-proxy.ts';
import type { Document } from '../test/support/document.ts';
import { dumpDatabase } from '../test/support/dump.ts';
import { processSettings, type Running } from '../test/support/process.ts';
import { createFleet, type Member } from './fleet.ts';
import { type Mark, marks, wordsOf } from './secrets-marks.ts';
import { allSucceeded, callTheRest } from './secrets-rest.ts';
import { furnish, misuse, readAll, type Walk } from './secrets-walk.ts';
import { type Finding, finding, type Report, type Torture, type TortureContext } from './torture.ts';

export const secrets: Torture = {
  about: 'marked values through every route, error and crash, then looked for everywhere',
  run,
};

const settled_within_ms = 60_000;

async function run(context: TortureContext): Promise<Report> {
  const { signal, log, program, say } = context;
  const server = await openServer(process.env.TEST_DATABASE_URL, log, signal);
  context.teardown(server.close);
  const settings = await server.createDatabase('secrets');
  const db = connect(settings, { pool_max: 2, application_name: 'conversar torture', log });
  context.teardown(() => db.destroy());
  const proxy = await startDatabaseProxy(context, settings);
  const simulator = await startSimulator({ host: '127.0.0.1', port: 0, log });
  context.teardown(simulator.close);
  const env = { ...processSettings(proxy.url), LOG_LEVEL: 'trace', CONVERSAR_ADMIN_TOKEN: marks.admin_token.value };
  const [member] = await createFleet({ owner: context, program, env, commands: ['serve'] });
  if (!member) throw new Error('no process');
  const lives = [await member.start()];
  const stage = { owner: context, url: () => member.url, simulator_url: simulator.url };

  say('every value goes where it belongs, and where it does not');
  const walk = await furnish(stage);
  const document = (await (await fetch(`${member.url}/openapi.json`)).json()) as Document;
  await misuse(stage, walk, document);
  say('the database goes away');
  await proxy.cut();
  await misuse(stage, walk, document);
  await proxy.restore();
  await untilReady(member.url);
  say('kill -9');
  lives.push(...(await dieSending(member, walk)));
  say('and every other operation');
  await callTheRest(walk, simulator.url);
  await untilQuiet(db, signal);
  await readAll(walk);

  const secrets_now = followed(walk, env.CONVERSAR_MASTER_KEYS.split(':')[1] ?? '');
  const before = await dumpAll(db);
  const erased = await eraseAll(walk, db);
  const findings = [
    // What was asked may hold one: a token in a path.
    finding('no answer holds a secret', walk.answers, ({ what, status, text }) => {
      const found = holding(text, secrets_now);
      return found && `${what} → ${status}: ${found}`;
    }),
    finding('no line of the log holds a secret, a person or a text', lives.flatMap(linesOf), (text) =>
      holding(text, [...secrets_now, ...all_marks]),
    ),
    inPlace(before, secrets_now),
    finding(
      'the search is not blind: what may be kept is found',
      all_marks.filter(({ tables }) => tables.length > 0),
      (mark) => (before.some(({ text }) => holding(text, [mark]) !== null) ? null : mark.name),
    ),
    erased,
    allSucceeded(walk, document),
  ];
  return {
    title: 'Marked values',
    figures: {
      'marked values': all_marks.length + walk.shown_once.length + 1,
      operations: Object.values(document.paths).flatMap((methods) => Object.keys(methods)).length,
      answers: walk.answers.length,
      'log lines': lives.flatMap(linesOf).length,
      rows: before.length,
    },
    findings,
  };
}

const all_marks: Mark[] = Object.values(marks);

/** Secrets of the tenants and the operator, those that we made, and the key under which all is sealed. */
function followed({ shown_once }: Walk, master_key: string): Mark[] {
  const made = [...shown_once, { name: 'master_key', value: master_key }];
  const own = made.map((one): Mark => ({ ...one, kind: 'secret', tables: [] }));
  return [...all_marks.filter(({ kind }) => kind === 'secret'), ...own];
}

const linesOf = ({ log }: Running): string[] => log().map((line) => JSON.stringify(line));

function holding(text: string, wanted: Mark[]): string | null {
  const found = wanted.filter((mark) => wordsOf(mark).some((word) => text.includes(word)));
  return found.length === 0 ? null : `${found.map(({ name }) => name)}: ${text.slice(0, 1_500)}`;
}

interface Row {
  table: string;
  text: string;
}

/** Each row as text, and each of its byte strings as what it may be. */
async function dumpAll(db: Parameters<typeof dumpDatabase>[0]): Promise<Row[]> {
  const dump = await dumpDatabase(db);
  return Object.entries(dump).flatMap(([table, rows]) =>
    rows.map((row) => {
      const bytes = [...row.matchAll(/\\\\x([0-9a-f]{2,})/g)].map(([, hex = '']) => Buffer.from(hex, 'hex'));
      return { table, text: [row, ...bytes.map(String), ...bytes.map((one) => one.toString('latin1'))].join('\n') };
    }),
  );
}

function inPlace(rows: Row[], secrets_now: Mark[]): Finding {
  return finding('no table holds what does not belong there', rows, ({ table, text }) => {
    const strangers = [...secrets_now, ...all_marks].filter(({ tables }) => !tables.includes(table));
    const found = holding(text, strangers);
    return found && `${table}: ${found}`;
  });
}

async function untilReady(url: string): Promise<void> {
  for (const deadline = performance.now() + settled_within_ms; performance.now() < deadline; await delay(100)) {
    if ((await fetch(`${url}/health/ready`)).status === 200) return;
  }
  throw new Error('not ready again');
}

/** A process that dies with a message in its hands, and one that finds it. */
async function dieSending(member: Member, { call, start }: Walk): Promise<Running[]> {
  await member.end('SIGKILL');
  const dying = await member.start({ CONVERSAR_FAILPOINT: 'after_claim' });
  await start('(31) 98123-7763').catch(() => undefined);
  await dying.exited;
  const next = await member.start();
  await call('GET', '/v1/attendances?status=starting');
  return [dying, next];
}

/** Until nothing waits that somebody might have to work on. */
async function untilQuiet(db: Parameters<typeof dumpDatabase>[0], signal: AbortSignal): Promise<void> {
  const busy = `select (select count(*) from messages where state in ('queued', 'sending'))
                     + (select count(*) from inbound_bodies where state <> 'quarantined') as count`;
  for (const deadline = performance.now() + settled_within_ms; performance.now() < deadline; ) {
    const { rows } = await db.raw<{ rows: { count: string }[] }>(busy);
    if (rows[0]?.count === '0') return;
    await delay(200, undefined, { signal });
  }
}

/** Every person of the account is erased; what is left of them is looked for in all that is left. */
async function eraseAll({ call }: Walk, db: Parameters<typeof dumpDatabase>[0]): Promise<Finding> {
  const { data } = await call('GET', '/v1/contacts?limit=100');
  for (const { id } of data) {
    const { status } = await call('DELETE', `/v1/contacts/${id}`);
    if (status !== 204) throw new Error(`DELETE /v1/contacts/${id}: ${status}`);
  }
  const people = all_marks.filter(({ kind }) => kind === 'person');
  return finding('of who was erased nothing is left in any table', await dumpAll(db), ({ table, text }) => {
    const found = holding(text, people);
    return found && `${table}: ${found}`;
  });
}
