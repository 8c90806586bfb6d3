import { randomInt } from 'node:crypto';
import { openServer } from '../bench/database.ts';
import { startSimulator } from '../src/simulator/simulator.ts';
import type { Document } from '../test/support/document.ts';
import { databaseUrl, processSettings } from '../test/support/process.ts';
import { createFleet } from './fleet.ts';
import type { Complaint } from './fuzz-judge.ts';
import { accidentsOf, type FuzzResult, hasSucceeded, runFuzz } from './fuzz-run.ts';
import type { Finding, Report, Torture, TortureContext } from './torture.ts';

const long_form = 1_000_000;
const at_once = 24;

export const fuzz: Torture = { about: 'requests drawn from the OpenAPI document, and one thing beside it', run };

async function run(context: TortureContext): Promise<Report> {
  const { signal, log, program, say } = context;
  const seed = Number(process.env.FUZZ_SEED ?? randomInt(2 ** 31));
  say(`FUZZ_SEED=${seed}`);
  const server = await openServer(process.env.TEST_DATABASE_URL, log, signal);
  context.teardown(server.close);
  const settings = await server.createDatabase('fuzz');
  const simulator = await startSimulator({ host: '127.0.0.1', port: 0, log, max_received: 1_000 });
  context.teardown(simulator.close);
  const env = processSettings(databaseUrl(settings));
  const [member] = await createFleet({ owner: context, program, env, commands: ['serve'] });
  if (!member) throw new Error('no process');
  const running = await member.start();
  const document = (await (await fetch(`${member.url}/openapi.json`)).json()) as Document;
  const result = await runFuzz({
    ...{
      url: member.url,
      admin_token: env.CONVERSAR_ADMIN_TOKEN,
      simulator_url: simulator.url,
      document,
      seed,
      at_once,
      say,
    },
    ...{ most: context.rounds ?? long_form, isOver: context.isOver },
  });
  const accidents = accidentsOf(running.log()).map((line) => JSON.stringify(line).slice(0, 1_000));
  const ended = await member.end('SIGTERM');
  return {
    title: 'Requests drawn from the document',
    figures: {
      seed,
      requests: result.requests,
      'requests that are hardly HTTP': result.raw_requests,
      ...Object.fromEntries(Object.entries(result.by_status).map(([status, count]) => [`answered ${status}`, count])),
      operations: Object.keys(result.by_operation).length,
      'operations that succeeded at least once': succeeded(result),
    },
    findings: [
      about(result, 'status', 'each is answered, with no 5xx'),
      about(result, 'document', 'each answer is one of the document'),
      about(result, 'accepted', 'nothing that is off the document is accepted'),
      about(result, 'refused', 'nothing that fits is called malformed'),
      { promise: 'nothing goes wrong inside', checked: result.requests, broken: accidents },
      { promise: 'it lives to the end', checked: 1, broken: ended.code === 0 ? [] : [JSON.stringify(ended)] },
    ],
  };
}

function about({ requests, complaints }: FuzzResult, promise: Complaint['promise'], title: string): Finding {
  const broken = complaints.filter((one) => one.promise === promise).map(({ text }) => text);
  return { promise: title, checked: requests, broken };
}

const succeeded = ({ by_operation }: FuzzResult) => Object.values(by_operation).filter(hasSucceeded).length;
