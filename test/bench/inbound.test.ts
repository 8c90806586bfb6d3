import t from 'tap';
import { runBench } from '../support/bench.ts';

interface Figures {
  count: number;
  errors: number;
  per_second: number;
  p99_ms: number;
}

interface Cell {
  load: string;
  at_once: number;
  program: string;
  ratio: number;
  ours: Figures;
  floor: Figures;
}

const cellsOf = (program: string) =>
  ['texts', 'statuses'].flatMap((load) => [1, 16, 64].map((at_once) => `${program}, ${load}, ${at_once} at once`));

t.test('npm run bench -- inbound: ends, prints its table, and leaves every cell without an error', async (t) => {
  const { printed, cells, svg } = await runBench<Cell>(t, 'inbound', ['--seconds', '1']);
  t.match(printed, /^load +at once +ours +ours\/s +floor\/s +ratio /m);
  t.equal(printed.match(/^(texts|statuses) +\d+ +(acknowledged|expanded) /gm)?.length, 12, printed);
  t.same(
    cells.map(({ program, load, at_once }) => `${program}, ${load}, ${at_once} at once`),
    [...cellsOf('acknowledged'), ...cellsOf('expanded')],
  );
  for (const { program, load, at_once, ratio, ours, floor } of cells) {
    const name = `${program}, ${load}, ${at_once} at once`;
    t.same([ours.errors, floor.errors], [0, 0], `${name}: no errors`);
    t.ok(ours.count > 0 && floor.count > 0 && ratio > 0 && ours.p99_ms > 0, `${name}: measured`);
  }
  t.match(svg, /^<svg [\s\S]*<\/svg>\n$/);
});
