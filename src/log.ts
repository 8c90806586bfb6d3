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

/**
 * Lines of one turn of the event loop go out in one write. A log that is full or not read stops nobody: a reader that is slow
 * is waited for beside the work, 4 MiB at most are held for it, and what does not fit or cannot be written (a full disk, a
 * reader that is gone) is dropped and counted; `tellDropped` hears of it once lines go out again.
 */
export function writeLines(fd: number, tellDropped: (count: number) => void) {
  let lines: string[] = [];
  /** Of a write that was taken in part. */
  let rest: Buffer = Buffer.alloc(0);
  let held = 0;
  let dropped = 0;
  /** The last thing that went out was a part of a line whose rest was dropped. */
  let is_cut = false;
  let is_due = false;

  const later = (when: (flush: () => void) => unknown) => {
    if (is_due) return;
    is_due = true;
    when(flush);
  };

  function writeAll(): 'nothing' | 'written' | 'waits' | 'dropped' {
    if (lines.length === 0 && rest.length === 0) return 'nothing';
    const bytes = Buffer.concat([rest, Buffer.from((is_cut ? '\n' : '') + lines.join(''))]);
    const { written, code } = writeSome(fd, bytes);
    lines = [];
    rest = bytes.subarray(written);
    held = rest.length;
    if (code === 'EAGAIN' || rest.length === 0) {
      is_cut = false;
      return rest.length === 0 ? 'written' : 'waits';
    }
    const was_cut = is_cut && written === 0;
    dropped += countLines(rest) - Number(was_cut);
    is_cut = was_cut || (written > 0 && bytes[written - 1] !== newline);
    rest = Buffer.alloc(0);
    held = 0;
    return 'dropped';
  }

  function flush(): void {
    is_due = false;
    const outcome = writeAll();
    if (outcome === 'waits') later((again) => setTimeout(again, retry_ms).unref());
    if (outcome !== 'written' || dropped === 0) return;
    const count = dropped;
    dropped = 0;
    tellDropped(count);
  }

  return {
    write: (line: string): void => {
      if (held >= most_held) {
        dropped += 1;
        return;
      }
      lines.push(line);
      held += line.length;
      later(setImmediate);
    },
    /** Writes what is left, within a second. */
    end: (): void => {
      for (let tries = 0; writeAll() === 'waits' && tries < tries_at_the_end; tries += 1)
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, retry_ms);
    },
  };
}
