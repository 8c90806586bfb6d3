import { EventEmitter, once } from 'node:events';
import { pino } from 'pino';
import t from 'tap';
import type { Context } from '../../src/context.ts';
import { startUpkeep } from '../../src/lanes/upkeep.ts';

const ctx = {
  log: pino({ level: 'silent' }),
  now: () => new Date(),
  signal: new AbortController().signal,
} as Context;

t.test('upkeep runs at once, again while there is something, and then every so often', async (t) => {
  const called = new EventEmitter();
  const left = [3, 2, 0, 0];
  const upkeep = startUpkeep(ctx, {
    name: 'test',
    every_ms: 5,
    run: async () => {
      const rows = left.shift();
      if (rows === undefined) called.emit('enough');
      return rows ?? 0;
    },
  });
  await once(called, 'enough');
  await upkeep.stop();
  t.same(left, []);
});

t.test('upkeep that fails is tried again', async (t) => {
  const called = new EventEmitter();
  let calls = 0;
  const upkeep = startUpkeep(ctx, {
    name: 'test',
    every_ms: 5,
    run: async () => {
      calls += 1;
      if (calls === 1) throw new Error('the disk is full');
      called.emit('again');
      return 0;
    },
  });
  await once(called, 'again');
  await upkeep.stop();
  t.pass('it was');
});

t.test('what upkeep is at work at hears of a stop', async (t) => {
  const begun = new EventEmitter();
  const has_begun = once(begun, 'begun');
  const upkeep = startUpkeep(ctx, {
    name: 'test',
    every_ms: 5,
    run: async ({ signal }) => {
      begun.emit('begun');
      await once(signal, 'abort');
      return 0;
    },
  });
  await has_begun;
  await upkeep.stop();
  t.pass('it did not wait for its end');
});
