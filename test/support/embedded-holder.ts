/**
 * A process that holds an embedded server: started with a data folder, it writes one line of JSON (what
 * `startEmbedded` answered) and stops in order when its standard input ends.
 */
import { once } from 'node:events';
import pino from 'pino';
import { startEmbedded } from '../../src/db/embedded.ts';

const [data_dir = ''] = process.argv.slice(2);
const { connection, started, stop } = await startEmbedded({
  data_dir,
  log: pino({ level: 'silent' }),
  signal: AbortSignal.timeout(180_000),
  fsync: false,
});
process.stdout.write(`${JSON.stringify({ connection, started })}\n`);
process.stdin.resume();
await once(process.stdin, 'end');
await stop();
process.exit(0);
