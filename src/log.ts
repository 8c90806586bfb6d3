import { writeSync } from 'node:fs';
import { type Logger, pino, stdSerializers, stdTimeFunctions } from 'pino';

/** What PostgreSQL adds to an error holds the values of rows: numbers, names, keys. */
const told_values = ['detail', 'where', 'hint', 'internalQuery', 'bindings'];

function serialiseError(error: Error): Record<string, unknown> {
  const shown: Record<string, unknown> = { ...stdSerializers.err(error) };
  for (const name of told_values) delete shown[name];
  return shown;
}

/** The one root logger: JSON lines to the file descriptor, errors without the values that a database adds to them. */
export function createLog(level: string, fd: 1 | 2): Logger {
  const options = { level, timestamp: stdTimeFunctions.isoTime, serializers: { err: serialiseError } };
  const lines = writeLines(fd, (count) => log.warn({ count }, 'log.lines_dropped'));
  process.once('exit', lines.end);
  const log = pino(options, lines);
  return log;
}

/** Held for a reader that is slow, in characters. */
const most_held = 4 * 1024 * 1024;
const newline = 0x0a;
const nothing: Buffer = Buffer.alloc(0);
const retry_ms = 50;
const tries_at_the_end = 20;

const countLines = (bytes: Buffer) => bytes.toString().split('\n').length - 1;

/** As many bytes as go out now, and the error that ended it. */
function writeSome(fd: number, bytes: Buffer): { written: number; code: string | null } {
  let written = 0;
  try {
    while (written < bytes.length) written += writeSync(fd, bytes, written);
    return { written, code: null };
  } catch (error) {
    return { written, code: (error as NodeJS.ErrnoException).code ?? 'UNKNOWN' };
  }
}

const sleep = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

type Outcome = 'nothing' | 'written' | 'moves' | 'waits' | 'dropped';

/**
 * Lines of one turn of the event loop go out in one write. A log that is full or not read stops nobody: a reader that is slow
 * is waited for beside the work, 4 MiB at most are held for it, and what does not fit or cannot be written (a full disk, a
 * reader that is gone) is dropped and counted; `tellDropped` hears of it once lines go out again.
 */
export function writeLines(fd: number, tellDropped: (count: number) => void) {
  let lines: string[] = [];
  /** Characters of them. */
  let waiting = 0;
  /** Bytes on their way. */
  let rest = nothing;
  let dropped = 0;
  /** The last thing that went out was a part of a line whose rest was dropped. */
  let is_cut = false;
  let is_due = false;

  const later = (when: (flush: () => void) => unknown) => {
    if (is_due) return;
    is_due = true;
    when(flush);
  };

  function writeRest(): Outcome {
    const { written, code } = writeSome(fd, rest);
    const left = rest.subarray(written);
    const was_cut = is_cut && written === 0;
    if (left.length === 0 || code === 'EAGAIN') {
      is_cut = was_cut;
      rest = left.length === 0 ? nothing : left;
      if (left.length === 0) return 'written';
      return written > 0 ? 'moves' : 'waits';
    }
    dropped += countLines(left) - Number(was_cut);
    is_cut = was_cut || (written > 0 && rest[written - 1] !== newline);
    rest = nothing;
    return 'dropped';
  }

  function writeAll(): Outcome {
    let outcome: Outcome = 'nothing';
    while (outcome === 'nothing' || outcome === 'written') {
      if (rest.length === 0) {
        if (lines.length === 0) return outcome;
        // A line that was begun is ended, so that the next one stands by itself.
        rest = Buffer.from((is_cut ? '\n' : '') + lines.join(''));
        lines = [];
        waiting = 0;
      }
      outcome = writeRest();
    }
    return outcome;
  }

  function tell(): void {
    const count = dropped;
    dropped = 0;
    if (count > 0) tellDropped(count);
  }

  function flush(): void {
    is_due = false;
    const outcome = writeAll();
    if (outcome === 'written') tell();
    if (outcome !== 'moves' && outcome !== 'waits') return;
    // A reader that took something is at work and soon takes more.
    later((again) => setTimeout(again, outcome === 'moves' ? 1 : retry_ms).unref());
  }

  return {
    write: (line: string): void => {
      if (waiting + rest.length >= most_held) {
        dropped += 1;
        return;
      }
      lines.push(line);
      waiting += line.length;
      later(setImmediate);
    },
    /** Writes what is left, and how many are missing; gives a reader that takes nothing a second. */
    end: (): void => {
      let outcome = writeAll();
      for (let tries = 0; (outcome === 'moves' || outcome === 'waits') && tries < tries_at_the_end; tries += 1) {
        if (outcome === 'waits') sleep(retry_ms);
        else tries -= 1;
        outcome = writeAll();
      }
      if (outcome === 'dropped' || outcome === 'waits') return;
      tell();
      writeAll();
    },
  };
}
