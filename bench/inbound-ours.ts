/** The real application on a port of its own, with its default settings and its log; with lanes or without. */
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
  with_lanes: boolean;
}

runProgram(async ({ settings, master_key, with_lanes }: OursSettings) => {
  const config = readConfig({ CONVERSAR_DEMO: 'off' });
  const log = createLog(config.log_level, 1);
  const db = connect(settings, { pool_max: config.pool_max, application_name: 'conversar', log });
  const key_ring = createKeyRing([{ kid: 'bench', key: Buffer.from(master_key, 'base64') }]);
  const app = await createApp({ config, public_url: 'http://conversar.example', db, settings, key_ring, log });
  await app.server.listen({ host: '127.0.0.1', port: 0 });
  if (with_lanes) app.startLanes();
  const { port } = app.server.server.address() as AddressInfo;
  const close = async () => {
    await app.close();
    await db.destroy();
  };
  return { url: `http://127.0.0.1:${port}`, close };
});
