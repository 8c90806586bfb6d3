import ipaddr from 'ipaddr.js';
import { buildConnector } from 'undici';
import { createLookUp, type LookUp } from './look-up.ts';

/** `plain_http`: without TLS only addresses inside the allowed private ranges may be called. */
export type UrlFault = 'malformed' | 'scheme' | 'userinfo' | 'plain_http' | 'address';
export type UrlCheck = { ok: true; url: URL } | { ok: false; reason: UrlFault };

export interface AddressGuard {
  /** Judges the form only, names are not resolved: what it lets pass may still be refused at connect. */
  checkUrl: (url: string) => UrlCheck;
  /** The same, and the addresses that its name has now. A name that has none passes: it may come to have one. */
  checkHost: (url: string) => Promise<UrlCheck>;
  /** undici's `connect` option: resolves, checks every address, and dials only an address it has checked. */
  connector: buildConnector.connector;
}

export type ConnectFault = 'dns' | 'refused' | 'tls' | 'connect_timeout' | 'address_not_allowed';

/** Why no connection came to be. It is always thrown before any request was written. */
export class ConnectFailure extends Error {
  readonly reason: ConnectFault;

  constructor(reason: ConnectFault, detail: string) {
    super(detail);
    this.name = 'ConnectFailure';
    this.reason = reason;
  }
}

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Range = [Address, number];
type Connection = Extract<Parameters<buildConnector.Callback>, [null, unknown]>[1];
type Dial = (options: buildConnector.Options) => Promise<Connection>;

const resolve_timeout_ms = 2_000;
const connect_timeout_ms = 2_000;
/** More would let one dead name hold a connection slot for longer than any send may take. */
const max_dialled_addresses = 3;
const max_url_length = 4_096;
/** Azure's metadata and DNS address: public by number, private by meaning. */
const azure_platform = '168.63.129.16';
const global_ipv6: Range = [ipaddr.IPv6.parse('2000::'), 3];

export interface GuardOptions {
  /** CIDRs that may be called although they are not public. */
  allowed_private_ranges: string[];
  /** Asked anew for each connection, given up after 2 s; default: one of its own, where a process has no other guard. */
  lookUp?: LookUp;
}

/** Allows public addresses and those inside `allowed_private_ranges`; throws when one of these is no CIDR. */
export function createAddressGuard(options: GuardOptions): AddressGuard {
  const allowed: Range[] = options.allowed_private_ranges.map((range) => ipaddr.parseCIDR(range));
  const lookUp = options.lookUp ?? createLookUp({ may_be_private: allowed.length > 0 });
  const connectTo = buildConnector({ timeout: connect_timeout_ms });
  const dial: Dial = (target) => connectOnce(connectTo, target);
  return {
    checkUrl: (url) => checkUrl(url, allowed),
    checkHost: (url) => checkHost(url, allowed, lookUp),
    connector: (target, callback) => {
      connect(target, { allowed, lookUp, dial }).then(
        (socket) => callback(null, socket),
        (error: unknown) => callback(asFailure(error, target.protocol), null),
      );
    },
  };
}

function checkUrl(text: string, allowed: Range[]): UrlCheck {
  const url = text.length <= max_url_length && URL.canParse(text) ? new URL(text) : null;
  if (!url || url.hostname === '') return { ok: false, reason: 'malformed' };
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return { ok: false, reason: 'scheme' };
  if (url.username !== '' || url.password !== '') return { ok: false, reason: 'userinfo' };
  // The URL parser has already turned decimal, octal, hex and short spellings into the dotted form.
  const literal = parseAddress(url.hostname);
  const fault = literal ? literalFault(literal, url.protocol, allowed) : nameFault(url.protocol, allowed);
  return fault ? { ok: false, reason: fault } : { ok: true, url };
}

async function checkHost(text: string, allowed: Range[], lookUp: LookUp): Promise<UrlCheck> {
  const checked = checkUrl(text, allowed);
  if (!checked.ok || parseAddress(checked.url.hostname)) return checked;
  const { hostname, protocol } = checked.url;
  const addresses = await resolve(lookUp, hostname).catch(() => []);
  const is_fine = addresses.every((address) => isAllowed(address, protocol, allowed));
  return is_fine ? checked : { ok: false, reason: 'address' };
}

function literalFault(address: Address, protocol: string, allowed: Range[]): UrlFault | null {
  if (isInside(address, allowed)) return null;
  if (!isPublic(address)) return 'address';
  return protocol === 'http:' ? 'plain_http' : null;
}

function nameFault(protocol: string, allowed: Range[]): UrlFault | null {
  return protocol === 'http:' && allowed.length === 0 ? 'plain_http' : null;
}

async function connect(
  target: buildConnector.Options,
  { allowed, lookUp, dial }: { allowed: Range[]; lookUp: LookUp; dial: Dial },
): Promise<Connection> {
  const literal = parseAddress(target.hostname);
  const addresses = literal ? [literal.toString()] : await resolve(lookUp, target.hostname);
  if (addresses.length === 0) throw new ConnectFailure('dns', 'the name has no address');
  // One bad address refuses the name: whoever mixes a public and a private one is trying something.
  for (const address of addresses) {
    if (!isAllowed(address, target.protocol, allowed)) {
      throw new ConnectFailure(
        'address_not_allowed',
        `an address of this host may not be called over ${target.protocol}`,
      );
    }
  }
  const name = literal ? {} : { servername: target.servername || target.hostname.replace(/\.$/, '') };
  return dialFirst(addresses.slice(0, max_dialled_addresses), (hostname) => dial({ ...target, ...name, hostname }));
}

async function dialFirst<T>(addresses: string[], dialAddress: (address: string) => Promise<T>): Promise<T> {
  let failure: unknown;
  for (const address of addresses) {
    try {
      return await dialAddress(address);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

function connectOnce(connectTo: buildConnector.connector, target: buildConnector.Options): Promise<Connection> {
  return new Promise((resolved, rejected) => {
    connectTo(target, (error, socket) => (socket ? resolved(socket) : rejected(error)));
  });
}

async function resolve(lookUp: LookUp, hostname: string): Promise<string[]> {
  const giving_up = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new ConnectFailure('dns', 'the name was not resolved in time'));
      giving_up.abort();
    }, resolve_timeout_ms);
  });
  try {
    return await Promise.race([lookUp(hostname, giving_up.signal), expired]);
  } catch (error) {
    throw error instanceof ConnectFailure ? error : new ConnectFailure('dns', errorCode(error));
  } finally {
    clearTimeout(timer);
  }
}

function isAllowed(text: string, protocol: string, allowed: Range[]): boolean {
  const address = parseAddress(text);
  if (!address) return false;
  return isInside(address, allowed) || (protocol === 'https:' && isPublic(address));
}

function isInside(address: Address, ranges: Range[]): boolean {
  return ranges.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits));
}

/** Mapped, NAT64, 6to4 and Teredo addresses carry an IPv4 one inside; no public service needs them: all refused. */
function isPublic(address: Address): boolean {
  if (address.range() !== 'unicast') return false;
  if (address.kind() === 'ipv6') return address.match(...global_ipv6);
  return address.toString() !== azure_platform;
}

function parseAddress(hostname: string): Address | null {
  const bare = hostname.replace(/^\[(.*)\]$/, '$1');
  if (ipaddr.IPv4.isValidFourPartDecimal(bare)) return ipaddr.IPv4.parse(bare);
  return ipaddr.IPv6.isValid(bare) ? ipaddr.IPv6.parse(bare) : null;
}

function asFailure(error: unknown, protocol: string): ConnectFailure {
  if (error instanceof ConnectFailure) return error;
  const code = errorCode(error);
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return new ConnectFailure('connect_timeout', code);
  const unreached = ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL', 'ETIMEDOUT', 'EACCES'].includes(
    code,
  );
  return new ConnectFailure(unreached || protocol === 'http:' ? 'refused' : 'tls', code);
}

/** An error's code alone: its message may repeat a URL, and with it a token. */
export function errorCode(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  return typeof code === 'string' ? code : 'unknown_error';
}
