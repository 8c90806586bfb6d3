import t from 'tap';
import { runBench } from '../support/bench.ts';

interface Cell {
  kind: string;
  contacts: number;
  looks: number;
  matches: number;
  ratio: number;
}

t.test('npm run bench -- search: ends, finds what the floor finds, and says what was left out', async (t) => {
  const { printed, cells } = await runBench<Cell>(t, 'search', ['--seconds', '1']);
  t.match(printed, /left out for want of time: 100000, 1000000 contacts/);
  t.same(
    cells.map(({ kind, contacts }) => `${kind}, ${contacts}`),
    ['name', 'accents', 'rare, 3 letters', 'number', 'common name'].map((kind) => `${kind}, 10000`),
  );
  for (const { kind, looks, matches, ratio } of cells)
    t.ok(looks > 0 && matches > 0 && ratio > 0, `${kind}: measured, and somebody is found`);
});
