import { type Api, type Schemas, take } from './client.ts';

/** What the environment may ask for; else the first that fits is taken. */
export interface Wishes {
  channel_id: string | undefined;
  team_id: string | undefined;
  template: string | undefined;
}

/** The channel asked for, else the first that can start; throws when there is none. */
export async function chooseChannel(api: Api, { channel_id }: Wishes): Promise<Schemas['Channel']> {
  const { data } = take(await api.GET('/v1/channels', { params: { query: { limit: 100 } } }));
  const channel = data.find(({ id, status }) =>
    channel_id === undefined ? status !== 'disconnected' && status !== 'restricted' : id === channel_id,
  );
  if (!channel) throw new Error(`no channel ${channel_id ?? 'is usable'} among ${data.length}`);
  return channel;
}

/** The team asked for, else the first that works on the channel; throws when there is none. */
export async function chooseTeam(api: Api, channel_id: string, { team_id }: Wishes): Promise<Schemas['Team']> {
  const { data } = take(await api.GET('/v1/teams', { params: { query: { limit: 100 } } }));
  const worksOn = ({ scope, channel_ids }: Schemas['Team']['channels']) =>
    scope === 'all' || (scope === 'selected' && channel_ids.includes(channel_id));
  const team = data.find(({ id, channels }) => (team_id === undefined ? worksOn(channels) : id === team_id));
  if (!team) throw new Error(`no team ${team_id ?? 'works on the channel'} among ${data.length}`);
  return team;
}

/** The approved template asked for by name, else the first that texts alone can fill; throws when there is none. */
export async function chooseTemplate(
  api: Api,
  channel_id: string,
  { template: name }: Wishes,
): Promise<Schemas['Template']> {
  const search = name === undefined ? {} : { search: name };
  const query = { channel_id, status: 'approved' as const, limit: 100, ...search };
  const { data } = take(await api.GET('/v1/templates', { params: { query } }));
  const template = data.find((one) =>
    name === undefined ? one.slots.every(({ required, type }) => !required || type === 'text') : one.name === name,
  );
  if (!template) throw new Error(`no template ${name ?? 'can be filled with texts'} among ${data.length}`);
  return template;
}

/** A value for every slot that has to be filled: its example, else the contact's name. A frontend would draw a form instead. */
export function fillSlots(slots: Schemas['TemplateSlot'][], name: string): Record<string, string> {
  const required = slots.filter((slot) => slot.required);
  return Object.fromEntries(required.map(({ key, example }) => [key, example ?? name]));
}
