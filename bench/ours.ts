/** The real application on a port of its own, with its default settings (it sheds no load) and its log; whole, or as one of its processes. */
import type { AddressInfo } from 'node:net';
import { createApp } from '../src/app.ts';
import { readConfig } from '../src/config.ts';
import { type ConnectionSettings, connect } from '../src/db/connection.ts';
import { createLog } from '../src/log.ts';
import { createKeyRing } from '../src/seal.ts';
import { runProgram } from './child.ts';

export interface OursSettings {
  settings: ConnectionSettings;
  /** Base64 of 32 bytes. */
  master_key: string;
  /** `serve`, `serve --no-lanes` or `worker`; a worker listens nowhere. */
  role: 'whole' | 'http' | 'worker';
  /** Connections to the database; the default where it is left out. */
  pool_max?: number;
}

runProgram(async ({ settings, master_key, role, pool_max }: OursSettings) => {
  // A machine that is short of time is no overload, and a benchmark's load never waits for more than it has in the air.
  const config = readConfig({ CONVERSAR_DEMO: 'off', CONVERSAR_MAX_EVENT_LOOP_DELAY_MS: '0' });
  const log = createLog(config.log_level, 1);
  const db = connect(settings, { pool_max: pool_max ?? config.pool_max, application_name: 'conversar', log });
  const key_ring = createKeyRing([{ kid: 'bench', key: Buffer.from(master_key, 'base64') }]);
  const app = await createApp({ config, public_url: 'http://conversar.example', db, settings, key_ring, log });
  if (role !== 'worker') await app.server.listen({ host: '127.0.0.1', port: 0 });
  if (role !== 'http') app.startLanes();
  const address = app.server.server.address() as AddressInfo | null;
  const close = async () => {
    await app.close();
    await db.destroy();
  };
  return { url: address ? `http://127.0.0.1:${address.port}` : 'http://worker.invalid', close };
});
