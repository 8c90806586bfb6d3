import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { createDataFolder } from '../support/embedded-folder.ts';
import { startProcess } from '../support/process.ts';
import { eventually } from '../support/service.ts';

// The process brings a database of its own up: on a busy machine that takes its time.
t.setTimeout(900_000);

const execute = promisify(execFile);
const page = await readFile(new URL('../../docs/integrating.md', import.meta.url), 'utf8');
const blocks = [...page.matchAll(/```(sh|json|text)\n(.*?)```/gs)].map(([, kind, text = '']) => ({ kind, text }));

/** The demo as `npm start` brings it up, and what a reader would put into the first lines of the page. */
async function startDemo(t: Test): Promise<string> {
  const data_dir = await createDataFolder(t);
  const { url, log } = await startProcess(t, ['serve'], { CONVERSAR_DATA_DIR: data_dir, PORT: '0' });
  const key = await eventually(
    async () => log().flatMap(({ text }) => /API key +(\S+)/.exec(String(text))?.[1] ?? [])[0],
    (found) => found !== undefined,
  );
  const [first] = blocks;
  return (first?.text ?? '').replace('http://127.0.0.1:3000', url).replace('YOUR_KEY', String(key));
}

/** Ids by the words that stand for them in the answers of the page. */
const names = new Map<string, string>();
const is_time = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;

/** Where an answer is not what the page shows of it; words in capitals and times stand for any, a word for the same one ever after. */
const course = ['queued', 'sending', 'accepted', 'sent', 'delivered', 'read'];

/** What the page shows of a message may be overtaken by its statuses, which come by themselves. */
function isLater(place: string, shown: unknown, answered: unknown): boolean {
  if (/\/(sent|delivered|read)_at$/.test(place)) return shown === null && is_time.test(String(answered));
  return (
    /status$/.test(place) &&
    course.includes(String(shown)) &&
    course.indexOf(String(answered)) > course.indexOf(String(shown))
  );
}

function compare(shown: unknown, answered: unknown, place = ''): string[] {
  if (shown === answered || isLater(place, shown, answered)) return [];
  if (Array.isArray(shown) && Array.isArray(answered) && shown.length === answered.length)
    return shown.flatMap((one, index) => compare(one, answered[index], `${place}/${index}`));
  if (isObject(shown) && isObject(answered))
    return Object.entries(shown).flatMap(([name, one]) => compare(one, answered[name], `${place}/${name}`));
  if (typeof shown === 'string' && typeof answered === 'string') {
    if (is_time.test(shown) && is_time.test(answered)) return [];
    if (/^[A-Z]+$/.test(shown) && (names.get(shown) ?? answered) === answered) {
      names.set(shown, answered);
      return [];
    }
  }
  return [`${place}: ${JSON.stringify(shown)} is shown, ${JSON.stringify(answered)} came`];
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

t.test('every call of docs/integrating.md answers what the page shows', async (t) => {
  const preamble = await startDemo(t);
  let calls = 0;
  for (const [index, { kind, text }] of blocks.entries()) {
    if (kind !== 'sh' || !text.includes('curl ')) continue;
    calls += 1;
    const known = [...names].map(([name, id]) => `${name}='${id}'`).join('\n');
    const script = ['set -euo pipefail', preamble, known, text].join('\n');
    const { stdout } = await execute('bash', ['-c', script], { timeout: 90_000 });
    const answer = blocks[index + 1];
    if (answer?.kind === 'json') t.same(compare(JSON.parse(answer.text), JSON.parse(stdout)), [], text);
    else t.equal(stdout.trim(), answer?.text.trim(), text);
  }
  t.ok(calls > 20, `${calls} calls`);
});
