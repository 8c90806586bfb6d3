import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { Pool } from 'undici';
import type { Question } from './child.ts';

/** A program in a process of its own, and the connections to it. */
export interface Program {
  url: string;
  pool: Pool;
  /** CPU used so far, in ms. */
  readCpu: () => Promise<number>;
  /** Resident memory, in MiB. */
  readMemory: () => Promise<number>;
  /** Ends it within 20 s, kindly or not. */
  stop: () => Promise<void>;
}

export interface ProgramOptions {
  /** Where to leave a `.cpuprofile`; null for none. */
  profile_folder: string | null;
  signal: AbortSignal;
}

const answer_within_ms = 60_000;
const request_within_ms = 10_000;
const exit_within_ms = 10_000;
const most_connections = 64;

/** Starts the program of `file` with `settings` and waits until it listens. */
export async function startProgram<S>(file: URL, settings: S, options: ProgramOptions): Promise<Program> {
  const profile = options.profile_folder === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${options.profile_folder}`];
  const child = fork(file, {
    execArgv: [...profile, '--import', 'tsx'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const exited = once(child, 'exit');
  const ask = (question: Question<S>) => askChild<S>(child, question, options.signal);
  const end = async () => {
    if (child.connected) child.disconnect();
    const timer = setTimeout(() => child.kill('SIGKILL'), exit_within_ms);
    await exited;
    clearTimeout(timer);
  };
  try {
    const url = String(await ask({ ask: 'open', settings }));
    const pool = new Pool(url, {
      connections: most_connections,
      headersTimeout: request_within_ms,
      bodyTimeout: request_within_ms,
    });
    return {
      url,
      pool,
      readCpu: async () => Number(await ask({ ask: 'cpu' })),
      readMemory: async () => Number(await ask({ ask: 'memory' })),
      stop: async () => {
        await pool.destroy();
        await askChild(child, { ask: 'close' }, AbortSignal.timeout(exit_within_ms)).catch(() => undefined);
        await end();
      },
    };
  } catch (error) {
    await end();
    throw error;
  }
}

async function askChild<S>(child: ChildProcess, question: Question<S>, signal: AbortSignal): Promise<unknown> {
  const ended = new AbortController();
  const limit = AbortSignal.any([signal, ended.signal, AbortSignal.timeout(answer_within_ms)]);
  const onExit = () => ended.abort(new Error(`the program ended before it answered "${question.ask}"`));
  child.once('exit', onExit);
  try {
    if (child.exitCode !== null) onExit();
    const answered = once(child, 'message', { signal: limit });
    if (child.connected) child.send(question);
    const [answer] = (await answered) as [{ value?: unknown; error?: string }];
    if (answer.error !== undefined) throw new Error(`the program failed: ${answer.error}`);
    return answer.value;
  } catch (error) {
    throw limit.aborted ? limit.reason : error;
  } finally {
    child.off('exit', onExit);
  }
}
