import type { Scope } from '../context.ts';
import { columns, type Tables } from './rows.ts';

/** The tables whose rows belong to an account. */
export type AccountTable = {
  [Name in keyof Tables]: Tables[Name] extends { account_id: string } ? Name : never;
}[keyof Tables] &
  string;

/**
 * A query over one account's rows of a table, for reading, updating and deleting; inserts name `account_id` themselves.
 * Alternatives go into a group, `where((either) => either.where(…).orWhere(…))`: a bare `or` would be true of other
 * accounts' rows, and throws.
 */
export function table<Name extends AccountTable>(ctx: Pick<Scope, 'db' | 'account_id'>, name: Name) {
  const query = ctx.db<Tables[Name]>(name).where({ [`${name}.account_id`]: ctx.account_id });
  refuseBareOr(query);
  return query;
}

/**
 * `m.id, m.text, …` for a select list. A prepared statement says `*` never: when a newer process migrates, PostgreSQL
 * refuses the plans of older ones whose result would have another shape.
 */
export function columnsOf(name: keyof Tables, alias: string): string {
  return columns[name].map((column) => `${alias}.${column}`).join(', ');
}

/** Every `or…` of knex goes through this one method of the builder it is called on; a group has a builder of its own. */
function refuseBareOr(query: object): void {
  const builder = query as { _bool: (...flag: string[]) => unknown };
  const flag = builder._bool;
  builder._bool = (...value) => {
    if (value[0] === 'or') throw new Error('A bare "or" would reach other accounts: group it, where((either) => …)');
    return flag.apply(builder, value);
  };
}
