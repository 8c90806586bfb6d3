import type { Test } from 'tap';
import { type Reply, startService } from './service.ts';

/** The members of a problem that tests ask for; its own ones beside them. */
export interface Refusal extends Record<string, unknown> {
  code: string;
  detail: string;
  retryable: boolean;
  errors: { pointer: string; code: string; detail: string }[];
}

export type TypedReply<Body> = Omit<Reply, 'body'> & { body: Body };

/** The service's client, to which the caller says what body it expects: a problem unless said. */
export interface TypedClient {
  account_id: string;
  get: <Body = Refusal>(url: string) => Promise<TypedReply<Body>>;
  post: <Body = Refusal>(url: string, body?: unknown) => Promise<TypedReply<Body>>;
}

/** The whole service without its lanes, its answers typed; closed when `t` ends. */
export async function startTypedService(t: Test) {
  const { ctx, vaults, outside, simulator, createClient } = await startService(t, { with_lanes: false });
  return {
    ctx,
    vaults,
    outside,
    simulator,
    createClient: (given?: Parameters<typeof createClient>[0]): Promise<TypedClient> => createClient(given),
  };
}
