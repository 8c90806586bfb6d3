import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { demo_values } from './demo-values.ts';
import { isMembers } from './json.ts';

export type Protocol = 'graph' | 'evolution';

/** What was registered for one phone number id, business account or instance. */
export interface Target {
  url: string;
  /** Sent with every body, beside the protocol's own. */
  headers: Record<string, string>;
  /** Evolution's names, such as `MESSAGES_UPSERT`; null: all. */
  events: string[] | null;
  /** `/messages-upsert` and so on is put behind the URL. */
  by_events: boolean;
}

export type TargetKind = 'phone' | 'account' | 'instance';

export interface Targets {
  get: (kind: TargetKind, id: string) => Target | undefined;
  /** Null: takes it away. */
  set: (kind: TargetKind, id: string, target: Target | null) => void;
  /** Where news of a sender go: a phone number's own registration before that of its business account. */
  find: (protocol: Protocol, channel: string) => (Target & { account_id: string }) | undefined;
}

const max_targets = 1_000;

/** Registrations, the oldest dropped beyond 1,000; with a file they outlive the process. Throws when it cannot be written. */
export function openTargets(file?: string): Targets {
  const targets = new Map<string, Target>(file === undefined ? [] : readTargets(file));
  const get: Targets['get'] = (kind, id) => targets.get(`${kind} ${id}`);
  return {
    get,
    set(kind, id, target) {
      targets.delete(`${kind} ${id}`);
      if (target) targets.set(`${kind} ${id}`, target);
      for (const oldest of targets.keys()) if (targets.size > max_targets) targets.delete(oldest);
      if (file !== undefined) writeTargets(file, targets);
    },
    find(protocol, channel) {
      if (protocol === 'evolution') return withAccount(get('instance', channel), '');
      const account_id = accountOf(channel);
      return (
        withAccount(get('phone', channel) ?? get('account', account_id), account_id) ??
        withAccount(get('account', demo_values.graph.waba_id), demo_values.graph.waba_id)
      );
    },
  };
}

/** The business account of a phone number id: the demo's, but `1…` belongs to `2…`. */
function accountOf(phone_number_id: string): string {
  return /^1\d+$/.test(phone_number_id) ? `2${phone_number_id.slice(1)}` : demo_values.graph.waba_id;
}

function withAccount(target: Target | undefined, account_id: string) {
  return target && { ...target, account_id };
}

/** Whether the simulator calls such a URL: http or https, nothing but an address in it. */
export function isCallable(value: unknown, max_length: number): value is string {
  if (typeof value !== 'string' || value.length > max_length || !URL.canParse(value)) return false;
  const { protocol, username, password, hash } = new URL(value);
  return /^https?:$/.test(protocol) && username === '' && password === '' && hash === '';
}

/** Renamed into place: a kill leaves the old file or the new one. It holds tokens, so it is for its owner alone. */
function writeTargets(file: string, targets: Map<string, Target>): void {
  writeFileSync(`${file}.new`, JSON.stringify([...targets]), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

function readTargets(file: string): [string, Target][] {
  if (!existsSync(file)) return [];
  try {
    const kept: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return (Array.isArray(kept) ? kept : []).filter(
      (one) => Array.isArray(one) && isMembers(one[1]) && isCallable(one[1].url, 2_048) && isMembers(one[1].headers),
    );
  } catch {
    // Unreadable: whoever wants to be called registers again.
    return [];
  }
}
