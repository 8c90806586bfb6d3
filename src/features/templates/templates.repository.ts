import type { Scope } from '../../context.ts';
import type { TemplatesRow } from '../../db/rows.ts';
import { toStorableJson } from '../../db/storable-json.ts';
import { table } from '../../db/table.ts';
import type { ProviderTemplate } from '../../providers/provider.ts';
import { uuid } from '../../random.ts';

type Ctx = Pick<Scope, 'db' | 'account_id'>;

export interface TemplateFilter {
  channel_id?: string | undefined;
  /** Any part of the name, letter case aside; empty for all. */
  search?: string | undefined;
  category?: string | undefined;
  language?: string | undefined;
  status: string;
}

export async function listTemplatesById(ctx: Ctx, ids: string[]): Promise<TemplatesRow[]> {
  return ids.length === 0 ? [] : table(ctx, 'templates').whereIn('id', ids).orderBy('id');
}

export async function findTemplate(ctx: Ctx, id: string): Promise<TemplatesRow | undefined> {
  return table(ctx, 'templates').where({ id }).first();
}

/** Newest first, `limit + 1` rows. */
export async function listTemplates(
  ctx: Ctx,
  { search = '', ...exact }: TemplateFilter,
  page: { limit: number; after_id: string | null },
): Promise<TemplatesRow[]> {
  const given = Object.entries(exact).filter(([, value]) => value !== undefined);
  const query = table(ctx, 'templates')
    .where(Object.fromEntries(given))
    .orderBy('id', 'desc')
    .limit(page.limit + 1);
  // A place and no pattern: template names are full of `_`.
  if (search.trim() !== '') query.whereRaw('strpos(lower(name), lower(?)) > 0', [search.trim()]);
  if (page.after_id !== null) query.where('id', '<', page.after_id);
  return query;
}

/**
 * Changes one template between two syncs, the last of them at `listed_at`; undefined when the channel has none of this name and language. `is_late`: more is known of
 * it since then, and nothing is changed.
 */
export async function changeTemplate(
  ctx: Ctx,
  channel_id: string,
  key: { name: string; language: string },
  change: Partial<Pick<TemplatesRow, 'status' | 'category' | 'quality'>>,
  { at, listed_at }: { at: Date; listed_at: Date | null },
): Promise<{ row: TemplatesRow; has_changed: boolean; is_late: boolean } | undefined> {
  const before = await table(ctx, 'templates')
    .where({ channel_id, ...key })
    .forUpdate()
    .first();
  if (!before) return undefined;
  const has_changed = Object.entries(change).some(([name, value]) => before[name as 'status'] !== value);
  // A listing that said the same as was known is the last word, too, and has not written it.
  const known_at = Math.max(before.synced_at.getTime(), listed_at?.getTime() ?? 0);
  // Providers date by the second.
  const is_late = at.getTime() + 1_000 <= known_at;
  if (is_late || (!has_changed && at <= before.synced_at)) return { row: before, has_changed: false, is_late };
  // What it says was known; that it still was so then was not.
  const [row] = await table(ctx, 'templates')
    .where({ id: before.id })
    .update({ ...change, synced_at: at })
    .returning('*');
  return row && { row, has_changed, is_late };
}

export interface Replaced {
  created: number;
  updated: number;
  removed: number;
  /** Ids of those that were there and have another status, category or quality now. */
  changed: string[];
  /** Some were left, since news of them came after the listing was asked for. */
  has_newer: boolean;
}

/**
 * Makes a channel's templates those of a whole listing, where a name and language come once: new ones are added, different
 * ones changed, the missing ones `deleted`; what is equal, or known later than it was asked for, is not written. The caller
 * holds the channel's lock.
 */
export async function replaceTemplates(
  { db, account_id }: Ctx,
  channel_id: string,
  listed: ProviderTemplate[],
  synced_at: Date,
): Promise<Replaced> {
  // Ids of one moment are ordered: a listing keeps its order in ours.
  const with_ids = listed.map((template) => ({ id: uuid(), ...template }));
  const { rows } = await db.raw<{ rows: Replaced[] }>(
    `with listed as (
       select * from jsonb_to_recordset(cast(:listed as jsonb))
           as l (id uuid, provider_template_id text, name text, language text, category text, status text,
                 quality text, parameter_format text, components jsonb)
     ), written as (
       insert into templates as t (account_id, id, channel_id, provider_template_id, name, language, category, status,
                                   quality, parameter_format, components, synced_at, created_at)
       select cast(:account_id as uuid), id, cast(:channel_id as uuid), provider_template_id, name, language, category, status,
              quality, parameter_format, components, cast(:synced_at as timestamptz), cast(:synced_at as timestamptz)
         from listed
       on conflict on constraint templates_name_language do update
         set provider_template_id = excluded.provider_template_id, category = excluded.category, status = excluded.status,
             quality = excluded.quality, parameter_format = excluded.parameter_format, components = excluded.components, synced_at = excluded.synced_at
         where (t.provider_template_id, t.category, t.status, t.quality, t.parameter_format, t.components)
               is distinct from (excluded.provider_template_id, excluded.category, excluded.status,
                                 excluded.quality, excluded.parameter_format, excluded.components)
           and t.synced_at <= :synced_at
       returning t.id, t.status, t.category, t.quality
     ), removed as (
       update templates t set status = 'deleted', synced_at = :synced_at
        where t.account_id = :account_id and t.channel_id = :channel_id and t.status <> 'deleted' and t.synced_at <= :synced_at
          and not exists (select from listed l where l.name = t.name and l.language = t.language)
       returning t.id, t.status, t.category, t.quality
     )
     select cast(count(*) filter (where is_new) as int) as created,
            cast(count(*) filter (where not is_new) as int) as updated,
            (select cast(count(*) as int) from removed) as removed,
            -- As they were: a statement does not see what it writes.
            array(select b.id from templates b
                    join (select * from written union all select * from removed) n on n.id = b.id
                   where b.account_id = :account_id
                     and (b.status, b.category, b.quality) is distinct from (n.status, n.category, n.quality)
                   order by b.id) as changed,
            exists (select from templates b where b.account_id = :account_id and b.channel_id = :channel_id
                                              and b.synced_at > :synced_at) as has_newer
       from (select id in (select id from listed) as is_new from written) w`,
    { account_id, channel_id, synced_at, listed: toStorableJson(with_ids) },
  );
  const [counts] = rows;
  if (!counts) throw new Error('an aggregate returned no row');
  return counts;
}
