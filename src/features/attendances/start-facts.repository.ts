import type { Context } from '../../context.ts';
import { prepare } from '../../db/statement.ts';
import type { Address } from '../../providers/provider.ts';
import type { Component } from '../templates/template-slots.ts';

/** The read of starts: one statement however many come together. With the write, the only one that names other features' tables. */
type Ctx = Pick<Context, 'db'>;

export interface StartQuestion {
  account_id: string;
  contact_id: string | null;
  phone_key: string | null;
  channel_id: string | null;
  team_id: string | null;
  template_id: string | null;
  template_name: string | null;
  template_language: string | null;
}

export interface StartContact {
  id: string;
  name: string | null;
  profile_name: string | null;
  phone: string | null;
  marketing_opted_out_at: string | null;
  identities: { kind: string; scope: string; value: string }[];
}
export interface StartChannel {
  id: string;
  name: string;
  provider: string;
  status: string;
  status_detail: string | null;
  send_within_s: number;
  identity_scope: string | null;
}
export interface StartTeam {
  id: string;
  name: string;
  channel_scope: string;
  channel_ids: string[];
}
export interface StartTemplate {
  id: string;
  channel_id: string;
  name: string;
  language: string;
  category: string;
  status: string;
  parameter_format: 'positional' | 'named';
  components: Component[];
}
export interface OpenAttendance {
  id: string;
  status: string;
  since: string;
  team: { id: string; name: string } | null;
  /** Where it goes; where its last message went, for one that was opened before addresses were kept. */
  address: Address | null;
}

/** All that a start is decided on. `channels` holds the one named, or up to two usable ones when none was. */
export interface StartFacts {
  contact: StartContact | null;
  channels: StartChannel[];
  team: StartTeam | null;
  template: StartTemplate | null;
  open: OpenAttendance | null;
}

const readFacts = prepare<{ questions: string }, StartFacts>(
  'read_start',
  `
  select f.*
    from jsonb_to_recordset(cast(:questions as jsonb)) as q (
           place integer, account_id uuid, contact_id uuid, phone_key text, channel_id uuid, team_id uuid, template_id uuid,
           template_name text, template_language text)
   cross join lateral (
  with contact as (
    select id, name, profile_name, phone, marketing_opted_out_at from contacts
     where account_id = q.account_id and erased_at is null
       and id = coalesce((select m.merged_into from contacts m where m.account_id = q.account_id and m.id = q.contact_id),
                         q.contact_id)
    union all
    select id, name, profile_name, phone, marketing_opted_out_at from contacts
     where account_id = q.account_id and phone_key = q.phone_key and erased_at is null
  ),
  channel as (
    select id, name, provider, status, status_detail, send_within_s, identity_scope from channels
     where account_id = q.account_id and id = q.channel_id and archived_at is null
    union all
    (select id, name, provider, status, status_detail, send_within_s, identity_scope from channels
      where q.channel_id is null and account_id = q.account_id and archived_at is null
        and status not in ('disconnected', 'restricted')
      order by id limit 2)
  ),
  template as (
    select id, channel_id, name, language, category, status, parameter_format, components from templates
     where account_id = q.account_id and id = q.template_id
    union all
    select t.id, t.channel_id, t.name, t.language, t.category, t.status, t.parameter_format, t.components
      from channel c
      join templates t on t.account_id = q.account_id and t.channel_id = c.id
                      and t.name = q.template_name and t.language = q.template_language
  )
  select
    (select to_jsonb(c) || jsonb_build_object('identities', (
       select coalesce(jsonb_agg(jsonb_build_object('kind', i.kind, 'scope', i.scope, 'value', i.value)), '[]')
         from contact_identities i where i.account_id = q.account_id and i.contact_id = c.id))
       from contact c limit 1) as contact,
    (select coalesce(jsonb_agg(to_jsonb(c)), '[]') from channel c) as channels,
    (select jsonb_build_object('id', t.id, 'name', t.name, 'channel_scope', t.channel_scope, 'channel_ids', array(
       select tc.channel_id from team_channels tc where tc.account_id = t.account_id and tc.team_id = t.id))
       from teams t where t.account_id = q.account_id and t.id = q.team_id and t.archived_at is null) as team,
    (select to_jsonb(t) from template t limit 1) as template,
    (select jsonb_build_object('id', a.id, 'status', a.status, 'since', a.created_at, 'address', coalesce(
              case when a.address is not null then jsonb_build_object('kind', a.address_kind, 'value', a.address) end,
              (select jsonb_build_object('kind', m.recipient_kind, 'value', m.recipient) from messages m
                where m.account_id = a.account_id and m.attendance_id = a.id and m.recipient is not null
                order by m.id desc limit 1)), 'team',
              case when t.id is not null then jsonb_build_object('id', t.id, 'name', t.name) end)
       from contact c
       join attendances a on a.account_id = q.account_id and a.contact_id = c.id
                         and a.channel_id = (select id from channel order by id limit 1) and a.status in ('starting', 'open')
       left join teams t on t.account_id = a.account_id and t.id = a.team_id) as open
   ) f
   -- All of them; but PostgreSQL expects one row of it instead of a hundred, and so keeps one plan instead of making a new one each time.
   where q.place between 0 and 1000000
   order by q.place`,
);

/** Everything that starts need to know, of any accounts, in their order, in one round trip. */
export async function readStarts({ db }: Ctx, questions: StartQuestion[]): Promise<StartFacts[]> {
  return readFacts(db, { questions: JSON.stringify(questions.map((question, place) => ({ place, ...question }))) });
}
