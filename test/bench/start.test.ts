import t from 'tap';
import { runBench } from '../support/bench.ts';

interface Figures {
  count: number;
  errors: number;
  per_second: number;
  answered_per_second: number;
  p99_ms: number;
}

const programs = ['bare', 'rows', 'tables', 'ours'] as const;

type Cell = Record<(typeof programs)[number], Figures> & {
  latency_ms: number;
  at_once: number;
  ratio_to_bare: number;
  ratio_to_rows: number;
  p99_ratio_to_bare: number;
  pgbench: { per_second: number } | null;
};

t.test('npm run bench -- start: ends, prints its table, and every program dispatched every start once', async (t) => {
  const args = ['--seconds', '0.3', '--channels', '5'];
  const { printed, cells, svg } = await runBench<Cell>(t, 'start', args);
  t.match(printed, /^provider ms +at once +program +starts\/s +to bare +to rows /m);
  t.equal(printed.match(/^ +\d+ +\d+ +(bare|rows|tables|ours) /gm)?.length, 24, printed);
  t.same(
    cells.map(({ latency_ms, at_once }) => [latency_ms, at_once]),
    [0, 50].flatMap((latency_ms) => [1, 16, 64].map((at_once) => [latency_ms, at_once])),
  );
  for (const cell of cells) {
    const name = `${cell.latency_ms} ms, ${cell.at_once} at once`;
    for (const program of programs) {
      const { count, errors, per_second, answered_per_second, p99_ms } = cell[program];
      t.equal(errors, 0, `${name}, ${program}: no errors`);
      t.ok(count >= cell.at_once && per_second > 0 && answered_per_second >= per_second && p99_ms > 0, name);
    }
    t.ok(cell.ratio_to_bare > 0 && cell.ratio_to_rows > 0 && cell.p99_ratio_to_bare > 0, `${name}: compared`);
    if (cell.pgbench) t.ok(cell.pgbench.per_second > 0 && cell.latency_ms === 0, `${name}: pgbench`);
  }
  t.match(svg, /^<svg [\s\S]*<\/svg>\n$/);
});
