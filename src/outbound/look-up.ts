import { lookup, Resolver } from 'node:dns/promises';

/** All addresses of a name, asked anew each time, IPv4 first. Throws what has a `code`; rejects soon after `signal` ends. */
export type LookUp = (hostname: string, signal: AbortSignal) => Promise<string[]>;

export interface LookUpOptions {
  /** Names with dots that DNS does not know may be the system's own: its hosts file, its search list, mDNS. */
  may_be_private: boolean;
  /** `address:port` of each name server; default: the system's. */
  servers?: string[];
  /** Default: getaddrinfo. */
  askSystem?: (hostname: string) => Promise<string[]>;
}

/** One dead name server leaves time for the next; a family that stays unanswered ends within 1.8 s. */
const patience = { timeout: 600, tries: 2 };

/**
 * Asks name servers over sockets of its own. The system's getaddrinfo cannot be called off and holds a thread for as long as a
 * name server pleases; two such stop it for all of the process, new connections to the database included. It is asked for
 * `localhost`, and for what DNS does not know and may be near; one name at a time, the others wait. So make one for a process.
 */
export function createLookUp({ may_be_private, servers, askSystem = askGetaddrinfo }: LookUpOptions): LookUp {
  const inTurn = oneAtATime();
  const ask: LookUp = (hostname, signal) => inTurn(() => askSystem(hostname), signal);
  return async (hostname, signal) => {
    const name = hostname.toLowerCase().replace(/\.$/, '');
    if (name === 'localhost') return ask(hostname, signal);
    const { addresses, faults } = await askNameServers(hostname, signal, servers);
    if (addresses.length > 0) return addresses;
    const fault = faults.find(isSilence) ?? faults[0];
    const is_near = may_be_private || !name.includes('.');
    if (is_near && !isSilence(fault)) return ask(hostname, signal);
    throw fault;
  };
}

/** Whoever says nothing now would say nothing to the system either, and for longer. */
function isSilence(fault: unknown): boolean {
  const code = fault instanceof Error && 'code' in fault ? fault.code : null;
  return code === 'ETIMEOUT' || code === 'ECANCELLED';
}

/** Both families; where one has addresses, why the other has none does not matter. */
async function askNameServers(hostname: string, signal: AbortSignal, servers?: string[]) {
  signal.throwIfAborted();
  // One of its own for each name: calling off is for all that a resolver was asked.
  const resolver = new Resolver(patience);
  if (servers) resolver.setServers(servers);
  const callOff = () => resolver.cancel();
  signal.addEventListener('abort', callOff, { once: true });
  try {
    // IPv4 first: a container with an IPv6 address and no IPv6 route is common, the reverse is not.
    const families = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
    return {
      addresses: families.flatMap((family) => (family.status === 'fulfilled' ? family.value : [])),
      faults: families.flatMap((family) => (family.status === 'rejected' ? [family.reason as unknown] : [])),
    };
  } finally {
    signal.removeEventListener('abort', callOff);
  }
}

async function askGetaddrinfo(hostname: string): Promise<string[]> {
  return (await lookup(hostname, { all: true, order: 'ipv4first' })).map(({ address }) => address);
}

/** What has given up before its turn is passed over; one that runs keeps its turn until it ends. */
function oneAtATime() {
  let last: Promise<unknown> = Promise.resolve();
  return <T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> => {
    const turn = last.then(() => {
      signal.throwIfAborted();
      return work();
    });
    last = turn.catch(() => {});
    return turn;
  };
}
