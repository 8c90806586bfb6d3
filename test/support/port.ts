import { createServer } from 'node:net';

/**
 * A port that nobody listens on, for a process that is to begin there, and again after its end. Below those that a system gives to
 * whoever asks for any, so that no other test has it by the time the process listens.
 */
export async function freePort(): Promise<number> {
  for (let tries = 1; ; tries += 1) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    try {
      await bind(port);
      return port;
    } catch (error) {
      if (tries === 20) throw error;
    }
  }
}

function bind(port: number): Promise<void> {
  const probe = createServer();
  return new Promise((resolve, reject) => {
    probe.once('error', reject).listen(port, '127.0.0.1', () => probe.close(() => resolve()));
  });
}
