import t from 'tap';
import { runBench } from '../support/bench.ts';

interface Cell {
  workers: number;
  calls: number;
  errors: number;
  ratio: number;
}

t.test('npm run bench -- webhooks: ends, and every endpoint heard of every event once', async (t) => {
  const { printed, cells, svg } = await runBench<Cell>(t, 'webhooks', ['--seconds', '0.5']);
  t.match(printed, /^workers +ours\/s +bare POSTs\/s +ratio/m);
  t.same(
    cells.map(({ workers, errors }) => [workers, errors]),
    [
      [1, 0],
      [4, 0],
    ],
  );
  for (const { calls, ratio } of cells) t.ok(calls > 0 && ratio > 0);
  t.match(svg, /^<svg [\s\S]*<\/svg>\n$/);
});
