import { join } from 'node:path';
import { freePort } from '../test/support/port.ts';
import { type Ended, type Owner, type Running, startProcess } from '../test/support/process.ts';
import { type Finding, finding } from './torture.ts';

/** One place in a fleet: a process that comes and goes, always at the same address. */
export interface Member {
  name: string;
  /** Where it listens; empty for a worker. */
  url: string;
  /** Throws when it does not come up. */
  start: (over?: Record<string, string>) => Promise<Running>;
  running: () => Running | undefined;
  /** Throws when it was to be killed and had ended by itself. */
  end: (signal: NodeJS.Signals) => Promise<Ended>;
}

export interface FleetOptions {
  owner: Owner;
  program: string[];
  env: Record<string, string>;
  /** What each runs, such as `serve --no-lanes`. */
  commands: string[];
  /** The folder of their logs; read here and kept nowhere where it is left out. */
  log_folder?: string;
}

/** On a machine that is busy with the load, too. */
const ready_within_ms = 240_000;

/** Processes over one database, each at a port of its own; none is started yet. */
export async function createFleet({ owner, program, env, commands, log_folder }: FleetOptions): Promise<Member[]> {
  const ports = await freePorts(commands.length);
  return commands.map((command, place): Member => {
    const port = ports[place] ?? 0;
    let running: Running | undefined;
    return {
      name: `${command} #${place}`,
      url: command.startsWith('serve') ? `http://127.0.0.1:${port}` : '',
      start: async (over = {}) => {
        running = await startProcess(
          owner,
          command.split(' '),
          { ...env, PORT: String(port), ...over },
          { program, ready_within_ms, ...(log_folder ? { log_file: join(log_folder, `${place}.log`) } : {}) },
        );
        return running;
      },
      running: () => running,
      end: async (signal) => {
        if (!running) throw new Error(`${command} #${place} does not run`);
        const { log } = running;
        const ended = await running.end(signal);
        running = undefined;
        if (signal === 'SIGKILL' && ended.signal !== 'SIGKILL')
          throw new Error(`${command} #${place} had ended by itself: ${JSON.stringify([ended, log().slice(-5)])}`);
        return ended;
      },
    };
  });
}

/** Of those that run: who ended by itself is seen here, or when it was to be killed. */
export const noneEnded = (fleet: Member[]): Finding =>
  finding(
    'no process ends by itself',
    fleet.filter((member) => member.running()),
    (member) => {
      const { exitCode: code, signalCode: signal } = member.running()?.child ?? {};
      return code == null && signal == null ? null : `${member.name}: ${code ?? signal}`;
    },
  );

/** Addresses of those that listen. */
export const urlsOf = (fleet: Member[]): string[] => fleet.flatMap(({ url }) => (url === '' ? [] : [url]));

/** Ports nobody listens on this moment, all different. */
async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}
