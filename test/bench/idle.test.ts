import t from 'tap';
import { runBench } from '../support/bench.ts';

interface Cell {
  when: string;
  starts: number;
  errors: number;
  memory_mib: number;
  program_cpu_percent: number;
}

t.test('npm run bench -- idle: ends, prints its table, and tells memory and CPU before and after starts', async (t) => {
  const { printed, cells, svg } = await runBench<Cell>(t, 'idle', ['--seconds', '0.5', '--channels', '5']);
  t.match(printed, /^when +starts +memory MiB +CPU % /m);
  t.same(
    cells.map(({ when, errors }) => [when, errors]),
    [
      ['after boot', 0],
      ['after starts', 0],
    ],
  );
  const [booted, worked] = cells;
  t.equal(booted?.starts, 0);
  t.ok(worked && worked.starts > 0, 'it started something in between');
  for (const { memory_mib, program_cpu_percent } of cells) t.ok(memory_mib > 10 && program_cpu_percent >= 0);
  t.match(svg, /^<svg [\s\S]*<\/svg>\n$/);
});
