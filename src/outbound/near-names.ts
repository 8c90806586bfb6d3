import { readFileSync } from 'node:fs';

/** Where a system says which names are near. */
export interface NearFiles {
  hosts: string;
  resolv: string;
}

export const system_files: NearFiles = { hosts: '/etc/hosts', resolv: '/etc/resolv.conf' };

/** How long a hosts file is taken to be as it was read. */
const hosts_fresh_ms = 5_000;

const linesOf = (file: string): string[][] => {
  try {
    const lines = readFileSync(file, 'utf8').split('\n');
    return lines.map((line) =>
      line
        .replace(/[#;].*$/, '')
        .trim()
        .split(/\s+/),
    );
  } catch {
    return [];
  }
};

/** The addresses of names in a hosts file (hosts(5)), IPv4 first; none where there is no such file. */
export function createHosts(file: string): (name: string) => string[] {
  let known = new Map<string, string[]>();
  let read_at = Number.NEGATIVE_INFINITY;
  return (name) => {
    if (performance.now() - read_at > hosts_fresh_ms) {
      known = new Map();
      for (const [address = '', ...names] of linesOf(file))
        for (const one of names) known.set(one.toLowerCase(), [...(known.get(one.toLowerCase()) ?? []), address]);
      read_at = performance.now();
    }
    return (known.get(name) ?? []).toSorted((a, b) => Number(a.includes(':')) - Number(b.includes(':')));
  };
}

/** What a name may mean by the search list of resolv.conf(5), in the order to be asked. */
export function createSearch(file: string): (name: string) => string[] {
  const lines = linesOf(file);
  const [, ...search] = lines.findLast(([word]) => word === 'search' || word === 'domain') ?? [];
  const options = lines.filter(([word]) => word === 'options').flat();
  const ndots = Number(options.find((one) => one.startsWith('ndots:'))?.slice('ndots:'.length) ?? 1);
  return (name) => {
    const longer = search.map((domain) => `${name}.${domain.replace(/\.$/, '')}`);
    return name.split('.').length > ndots ? [name, ...longer] : [...longer, name];
  };
}
