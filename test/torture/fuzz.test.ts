import t from 'tap';
import { accidentsOf, hasSucceeded, runFuzz } from '../../torture/fuzz-run.ts';
import type { Document } from '../support/document.ts';
import { captureLog } from '../support/log.ts';
import { startService } from '../support/service.ts';

/** The short form; the long one is `npm run torture -- fuzz`. Draws the same requests each time. */
const seed = Number(process.env.FUZZ_SEED ?? 20_261_126);
const most = Number(process.env.FUZZ_REQUESTS ?? 1_500);
const within_ms = 60_000;

t.test(`${most} requests of all operations, drawn with FUZZ_SEED=${seed}`, async (t) => {
  const { log, lines } = captureLog();
  const service = await startService(t, { log });
  await service.server.listen({ host: '127.0.0.1', port: 0 });
  const document = service.server.swagger() as unknown as Document;
  const deadline = performance.now() + within_ms;
  const result = await runFuzz({
    url: service.server.listeningOrigin,
    admin_token: service.config.admin_token ?? '',
    simulator_url: service.simulator.url,
    document,
    seed,
    at_once: 8,
    most,
    isOver: () => performance.now() > deadline,
    say: (text) => t.comment(text),
  });
  t.comment(JSON.stringify(result.by_status));
  if (process.env.FUZZ_SHOW) t.comment(JSON.stringify(result.by_operation, null, 1));
  t.same(result.complaints, [], `FUZZ_SEED=${seed}`);
  t.ok(result.requests > 100, `${result.requests} requests`);
  const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));
  const met = Object.values(result.by_operation).filter(hasSucceeded);
  const reached = `${met.length} of ${operations.length} operations succeeded`;
  // A machine that is short of time draws fewer, and says nothing of how far they reach.
  if (result.requests >= most) t.ok(met.length >= 0.8 * operations.length, reached);
  t.comment(reached);
  t.same(accidentsOf(lines()), [], 'nothing went wrong inside');
});
