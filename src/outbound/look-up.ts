import { lookup, Resolver } from 'node:dns/promises';
import { createHosts, createSearch, type NearFiles, system_files } from './near-names.ts';

/** All addresses of a name, asked anew each time, IPv4 first. Throws what has a `code`; rejects soon after `signal` ends. */
export type LookUp = (hostname: string, signal: AbortSignal) => Promise<string[]>;

export interface LookUpOptions {
  /** Names with dots may be the system's own, by its search list or mDNS. */
  may_be_private: boolean;
  /** `address:port` of each name server; default: the system's. */
  servers?: string[];
  /** Default: getaddrinfo. */
  askSystem?: (hostname: string) => Promise<string[]>;
  files?: NearFiles;
  /** A name server that is silent for so long is passed over; default 600. */
  patience_ms?: number;
  /** Once one family has addresses the other is waited for so long; default 300. */
  grace_ms?: number;
}

/**
 * The hosts file, then name servers over sockets of its own, as the search list says where a name may be near. The system's
 * getaddrinfo does the same and more, but cannot be called off and holds a thread for as long as a name server pleases; two such
 * stop it for all of the process, new connections to the database included. It is asked for `localhost`, and for what nobody knows and
 * may be near (mDNS); one name at a time, the others wait. So make one for a process.
 */
export function createLookUp(options: LookUpOptions): LookUp {
  const { may_be_private, askSystem = askGetaddrinfo, files = system_files } = options;
  const inTurn = oneAtATime();
  const hostsOf = createHosts(files.hosts);
  const searchFor = createSearch(files.resolv);
  const ask: LookUp = (hostname, signal) => inTurn(() => askSystem(hostname), signal);
  return async (hostname, signal) => {
    const name = hostname.toLowerCase().replace(/\.$/, '');
    if (name === 'localhost') return ask(hostname, signal);
    const listed = hostsOf(name);
    if (listed.length > 0) return listed;
    const is_near = may_be_private || !name.includes('.');
    const names = is_near && !hostname.endsWith('.') ? searchFor(name) : [name];
    const { addresses, faults } = await askInTurn(names, (one) => askNameServers(one, signal, options));
    if (addresses.length > 0) return addresses;
    const silence = faults.find(isSilence);
    if (is_near && !silence) return ask(hostname, signal);
    throw silence ?? faults.at(-1);
  };
}

const codeOf = (fault: unknown) => (fault instanceof Error && 'code' in fault ? fault.code : null);

/** Whoever says nothing now would say nothing to the system either, and for longer. */
const isSilence = (fault: unknown) => ['ETIMEOUT', 'ECANCELLED'].includes(String(codeOf(fault)));

/** There is no such name, or none with such an address: another name server would say the same. */
const isFinal = (fault: unknown) => ['ENOTFOUND', 'ENODATA'].includes(String(codeOf(fault)));

interface Asked {
  addresses: string[];
  faults: unknown[];
}

/** The first that has addresses; the faults of all where none has. */
async function askInTurn(names: string[], askOne: (name: string) => Promise<Asked>): Promise<Asked> {
  const faults: unknown[] = [];
  for (const name of names) {
    const answer = await askOne(name);
    if (answer.addresses.length > 0) return answer;
    faults.push(...answer.faults);
  }
  return { addresses: [], faults };
}

/** The next one where one refuses, fails or is silent: the resolver of Node asks it for a silent one alone. */
async function askNameServers(hostname: string, signal: AbortSignal, options: LookUpOptions): Promise<Asked> {
  let answer: Asked = { addresses: [], faults: [] };
  for (const server of options.servers ?? new Resolver().getServers()) {
    answer = await askNameServer(hostname, signal, server, options);
    if (answer.addresses.length > 0 || answer.faults.every(isFinal)) return answer;
  }
  return answer;
}

/** Both families; where one has addresses, why the other has none does not matter. */
async function askNameServer(
  hostname: string,
  signal: AbortSignal,
  server: string,
  { patience_ms = 600, grace_ms = 300 }: LookUpOptions,
): Promise<Asked> {
  signal.throwIfAborted();
  // One of its own for each name: calling off is for all that a resolver was asked.
  const resolver = new Resolver({ timeout: patience_ms, tries: 1 });
  resolver.setServers([server]);
  const callOff = () => resolver.cancel();
  signal.addEventListener('abort', callOff, { once: true });
  let grace: NodeJS.Timeout | undefined;
  const begin = () => {
    grace ??= setTimeout(callOff, grace_ms);
  };
  try {
    // IPv4 first: a container with an IPv6 address and no IPv6 route is common, the reverse is not.
    const asked = [resolver.resolve4(hostname), resolver.resolve6(hostname)];
    for (const family of asked) family.then(begin, () => undefined);
    const families = await Promise.allSettled(asked);
    return {
      addresses: families.flatMap((family) => (family.status === 'fulfilled' ? family.value : [])),
      faults: families.flatMap((family) => (family.status === 'rejected' ? [family.reason as unknown] : [])),
    };
  } finally {
    clearTimeout(grace);
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
