import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { writeLines } from '../src/log.ts';
import { eventually } from './support/service.ts';

const line = (place: number, width = 0) => `{"place":${place},"msg":"é${'x'.repeat(width)}"}\n`;

/** A pipe of 64 KiB whose reader takes nothing until it is told to. */
function openPipe(t: Test) {
  const path = join(t.testdir(), 'pipe');
  execFileSync('mkfifo', [path]);
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  t.teardown(() => closeSync(fd));
  const chunks: Buffer[] = [];
  /** As much as one look finds. */
  const take = () => {
    const chunk = Buffer.alloc(64 * 1024);
    try {
      chunks.push(chunk.subarray(0, readSync(fd, chunk)));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  };
  const read = async () => {
    take();
    return Buffer.concat(chunks).toString();
  };
  return { fd, take, read };
}

t.test('lines of one turn are written together, in their order', async (t) => {
  const path = join(t.testdir(), 'log');
  const fd = openSync(path, 'w');
  t.teardown(() => closeSync(fd));
  const lines = writeLines(fd, () => t.fail('nothing is dropped'));
  for (let place = 0; place < 3; place += 1) lines.write(line(place));
  t.equal(readFileSync(path, 'utf8'), '');
  await nextTurn();
  t.equal(readFileSync(path, 'utf8'), [0, 1, 2].map((place) => line(place)).join(''));
  lines.write(line(3));
  lines.end();
  t.match(readFileSync(path, 'utf8'), line(3), 'what is left at the end is written');
});

t.test('a reader that is slow holds up nobody and gets every line', async (t) => {
  const { fd, read } = openPipe(t);
  const lines = writeLines(fd, () => t.fail('nothing is dropped'));
  const all = Array.from({ length: 500 }, (_, place) => line(place, 1_000));
  for (const [place, one] of all.entries()) {
    lines.write(one);
    if (place % 50 === 0) await nextTurn();
  }
  t.equal(await eventually(read, (said) => said.length >= all.join('').length), all.join(''));
});

t.test('a reader that takes nothing costs lines beyond a bound, which are counted', async (t) => {
  const { fd, read } = openPipe(t);
  const told: number[] = [];
  const lines = writeLines(fd, (count) => told.push(count));
  const [written, width] = [6_000, 1_000];
  for (let place = 0; place < written; place += 1) {
    lines.write(line(place, width));
    if (place % 50 === 0) await nextTurn();
  }
  await eventually(read, () => told.length > 0);
  const kept = (await eventually(read, (said) => said.endsWith('\n'))).split('\n').slice(0, -1);
  t.same(
    kept.map((one) => (JSON.parse(one) as { place: number }).place),
    kept.map((_, place) => place),
    'the first ones, whole and in order',
  );
  t.ok(kept.length > 3_900 && kept.length < 4_500, `${kept.length} were held`);
  t.same(told, [written - kept.length]);
});

t.test('a reader that is prompt loses nothing, however much there is', async (t) => {
  const { fd, take, read } = openPipe(t);
  const lines = writeLines(fd, () => t.fail('nothing is dropped'));
  const all = Array.from({ length: 8_000 }, (_, place) => line(place, 1_000));
  for (const [place, one] of all.entries()) {
    lines.write(one);
    if (place % 100 !== 99) continue;
    // More than a pipe holds, and a reader who is there at once.
    await delay(1);
    for (let looks = 0; looks < 3; looks += 1) {
      take();
      await delay(1);
    }
  }
  t.equal(await eventually(read, (said) => said.length >= all.join('').length), all.join(''));
});

t.test('what was dropped is told at the end, too', async (t) => {
  const { fd, take, read } = openPipe(t);
  const told = `${JSON.stringify({ msg: 'dropped' })}\n`;
  const lines = writeLines(fd, (count) => lines.write(`${count} ${told}`));
  for (let place = 0; place < 5_000; place += 1) lines.write(line(place, 1_000));
  t.notOk((await read()).includes('dropped'));
  await nextTurn();
  for (let looks = 0; looks < 80; looks += 1) take();
  lines.end();
  const said = await eventually(read, (heard) => heard.endsWith(told));
  t.match(said, /\n\d+ \{"msg":"dropped"\}\n$/);
});

t.test('a full disk costs lines and nothing else', async (t) => {
  const fd = openSync('/dev/full', 'w');
  t.teardown(() => closeSync(fd));
  const lines = writeLines(fd, () => t.fail('nothing can be told'));
  for (let turn = 0; turn < 3; turn += 1) {
    lines.write(line(turn));
    await nextTurn();
  }
  lines.write(line(3));
  lines.end();
});
