import { EventEmitter } from 'node:events';
import pg from 'pg';
import type { Logger } from 'pino';
import { type ConnectionSettings, clientConfig } from '../db/connection.ts';

/** Tells listeners of a topic that something is there: in this process at once, in others by a throttled NOTIFY. */
export interface Wake {
  call: (topic: string) => void;
  /** Returns the function that ends it. A call may come without cause; polling stays the truth. */
  listen: (topic: string, listener: () => void) => () => void;
  close: () => Promise<void>;
}

const pg_channel = 'conversar_wake';
const throttle_ms = 20;
const reconnect_ms = 1_000;

/**
 * One connection of its own for LISTEN and NOTIFY. While it is down calls stay in this process and others find work by
 * polling. NOTIFY is never inside a transaction that does work: its commit lock would serialise them.
 */
export function createWake(settings: ConnectionSettings, log: Logger): Wake {
  const emitter = new EventEmitter().setMaxListeners(0);
  const origin = `${process.pid}.${Math.random().toString(36).slice(2, 10)}`;
  const pending = new Set<string>();
  let client: pg.Client | null = null;
  let timer: NodeJS.Timeout | undefined;
  let is_closed = false;
  let is_telling = false;

  function receive({ payload = '' }: { payload?: string | undefined }): void {
    const [from, ...topics] = payload.split(' ');
    if (from === origin) return;
    for (const topic of topics) emitter.emit(topic);
  }

  function reopen(): void {
    client = null;
    if (!is_closed) setTimeout(() => void open(), reconnect_ms).unref();
  }

  async function open(): Promise<void> {
    const fresh = new pg.Client(clientConfig(settings, 'conversar wake'));
    fresh.on('notification', receive);
    // Said by `end` or by the failed connect; without a listener it would end the process.
    fresh.on('error', () => undefined);
    try {
      await fresh.connect();
      await fresh.query(`listen ${pg_channel}`);
      // Only now: one that ends before is reopened below, and would be twice.
      fresh.on('end', reopen);
      client = fresh;
      if (is_closed) await fresh.end();
    } catch (error) {
      log.debug({ err: error }, 'wake.connect_failed');
      fresh.end().catch(() => undefined);
      reopen();
    }
  }

  /** One NOTIFY at a time: what is called meanwhile goes with the next. */
  async function flush(): Promise<void> {
    timer = undefined;
    if (is_telling) return tellLater();
    const payload = [origin, ...pending].join(' ');
    pending.clear();
    is_telling = true;
    await client?.query('select pg_notify($1, $2)', [pg_channel, payload]).catch(() => undefined);
    is_telling = false;
  }

  function tellLater(): void {
    timer ??= setTimeout(() => void flush(), throttle_ms);
  }

  void open();
  return {
    call: (topic) => {
      emitter.emit(topic);
      pending.add(topic);
      tellLater();
    },
    listen: (topic, listener) => {
      emitter.on(topic, listener);
      return () => emitter.off(topic, listener);
    },
    close: async () => {
      is_closed = true;
      clearTimeout(timer);
      await client?.end().catch(() => undefined);
    },
  };
}
