import { Writable } from 'node:stream';
import { type Logger, pino } from 'pino';

/** A logger that writes everything, and what it wrote. */
export function captureLog(): { log: Logger; lines: () => Record<string, unknown>[]; text: () => string } {
  const written: string[] = [];
  const stream = new Writable({
    write(chunk, _, done) {
      written.push(String(chunk));
      done();
    },
  });
  return {
    log: pino({ level: 'trace' }, stream),
    lines: () => written.map((line) => JSON.parse(line)),
    text: () => written.join(''),
  };
}
