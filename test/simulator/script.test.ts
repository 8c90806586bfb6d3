import { readFile } from 'node:fs/promises';
import t from 'tap';
import { scripted_aftermaths } from '../../src/simulator/aftermath.ts';
import { demo_templates } from '../../src/simulator/demo-templates.ts';
import { demo_values } from '../../src/simulator/demo-values.ts';
import { graph_errors } from '../../src/simulator/graph-errors.ts';
import { script } from '../../src/simulator/script.ts';
import { simulate } from './simulated.ts';

// The columns are padded for the eye.
const docs = (await readFile(new URL('../../docs/simulator.md', import.meta.url), 'utf8')).replace(/ {2,}/g, ' ');

t.test('docs/simulator.md lists every scripted outcome, with the code Graph answers', async (t) => {
  for (const { digits, name, graph } of script) {
    const row = docs.split('\n').find((line) => line.startsWith(`| \`${digits}\` | \`${name}\` |`)) ?? '';
    t.ok(row, `${digits} ${name}`);
    if (graph.kind === 'refuse') t.match(row, `code ${graph_errors[graph.error].code}`);
  }
  const rows = docs.match(/^\| `\d{4}` \|/gm) ?? [];
  t.equal(rows.length, script.length, 'and nothing else');
});

t.test('docs/simulator.md gives the code of every failure that comes later', async (t) => {
  for (const { name, aftermath } of scripted_aftermaths) {
    const row = docs.split('\n').find((line) => line.includes(`\`${name}\``)) ?? '';
    const codes = aftermath.steps.flatMap((step) => (step.kind === 'failed' ? [graph_errors[step.error].code] : []));
    for (const code of codes) t.match(row, String(code));
  }
});

t.test('docs/simulator.md names the demo values and the size of the catalogue', async (t) => {
  for (const value of [...Object.values(demo_values.graph), ...Object.values(demo_values.evolution)]) {
    t.ok(docs.includes(`\`${value}\``), value);
  }
  t.match(docs, `${demo_templates.length} templates`);
});

t.test('digits are four, and no two outcomes share them', async (t) => {
  t.equal(new Set(script.map(({ digits }) => digits)).size, script.length);
  t.ok(script.every(({ digits }) => /^\d{4}$/.test(digits)));
});

t.test('GET / › tells the base URLs, the demo values and the script', async (t) => {
  const { call, url } = await simulate(t);
  t.match((await call('/')).body, { graph: `${url}/graph`, evolution: `${url}/evolution`, demo_values, script });
});

t.test('messages without a script are cut by chance, before or after they are accepted', async (t) => {
  for (const [share, outcome, accepted] of [
    ['cut_before', 'cut_before_acceptance', false],
    ['cut_after', 'cut_after_acceptance', true],
  ] as const) {
    const { evolution, received } = await simulate(t, { [share]: 1 });
    const send = (number: string) => evolution.post('/message/sendText/demo', { number, text: 'Olá' });
    await t.rejects(send('5531988881001'), share);
    await t.rejects(send('5531988880498'));
    t.equal((await send('5531988880404')).status, 400, 'what is scripted stays as it is');
    const [by_chance, scripted] = await received();
    t.match(by_chance, { outcome, accepted, status: null });
    t.equal(by_chance?.provider_message_id !== null, accepted);
    t.match(scripted, { outcome: 'cut_after_acceptance', accepted: true });
  }
});
