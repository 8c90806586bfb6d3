import t from 'tap';
import { runBench } from '../support/bench.ts';

interface Cell {
  http: number;
  workers: number;
  count: number;
  errors: number;
  per_second: number;
  programs_cores: number;
}

t.test(
  'npm run bench -- scale: ends, prints its table, and every start is dispatched once, whoever took it',
  async (t) => {
    const { printed, cells, svg } = await runBench<Cell>(t, 'scale', [
      '--seconds',
      '0.3',
      '--channels',
      '5',
      '--processes',
      '2',
    ]);
    t.match(printed, /^HTTP +workers +starts\/s +to 1 and 1 /m);
    t.same(
      cells.map(({ http, workers }) => [http, workers]),
      [1, 2].flatMap((workers) => [1, 2].map((http) => [http, workers])),
    );
    for (const { http, workers, count, errors, per_second, programs_cores } of cells) {
      t.equal(errors, 0, `${http} HTTP, ${workers} workers: no errors`);
      t.ok(count > 0 && per_second > 0 && programs_cores > 0, `${http} HTTP, ${workers} workers: measured`);
    }
    t.match(svg, /^<svg [\s\S]*<\/svg>\n$/);
  },
);
