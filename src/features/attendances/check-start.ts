import { defineProblem, type Problem } from '../../problem.ts';
import type { Address, Provider } from '../../providers/provider.ts';
import { findProvider } from '../../providers/registry.ts';
import { identityScopeOf } from '../channels/identity-scope.ts';
import { type Phone, phone_area_code_missing, phone_invalid, phoneSearchText } from '../contacts/phone-number.ts';
import { channel_not_found, contact_not_found, team_not_found } from '../references.ts';
import { type ChosenMessage, chooseFirstMessage, first_message_problems } from './first-message.ts';
import { createRefusals } from './refusals.ts';
import type { StartAttendanceBody } from './start.schema.ts';
import type { StartChannel, StartContact, StartFacts, StartTeam, StartTemplate } from './start-facts.repository.ts';

const channel_required = defineProblem({
  code: 'channel_required',
  status: 422,
  title: { en: 'Say which channel', pt: 'Diga qual canal' },
  detail: {
    en: 'This account has {usable} usable channels, so channel_id cannot be left out. GET /v1/channels lists them.',
    pt: 'Esta conta tem {usable} canais utilizáveis, por isso channel_id não pode ser omitido. GET /v1/channels os lista.',
  },
  example: { pointer: '/channel_id', params: { usable: 'several' } },
});
export const channel_unavailable = defineProblem({
  code: 'channel_unavailable',
  status: 422,
  title: { en: 'The channel cannot start attendances', pt: 'O canal não pode iniciar atendimentos' },
  detail: {
    en: 'Channel {name} is {status}: {reason}. Reconnect it at its provider, or take another channel.',
    pt: 'O canal {name} está {status}: {reason}. Reconecte-o no provedor ou use outro canal.',
  },
  example: { pointer: '/channel_id', params: { name: 'Vendas', status: 'disconnected', reason: 'logged out' } },
});
export const team_not_on_channel = defineProblem({
  code: 'team_not_on_channel',
  status: 422,
  title: { en: 'The team does not work on this channel', pt: 'A equipe não atende neste canal' },
  detail: {
    en: 'Team {team} is not on channel {channel}. Take another team, or add the channel to it.',
    pt: 'A equipe {team} não atende no canal {channel}. Use outra equipe ou inclua o canal nela.',
  },
  example: { pointer: '/team_id', params: { team: 'Comercial', channel: 'Vendas' } },
});
export const contact_opted_out = defineProblem({
  code: 'contact_opted_out',
  status: 422,
  title: { en: 'The contact opted out of marketing', pt: 'O contato recusou marketing' },
  detail: {
    en: 'Since {since} this contact takes no marketing messages from you. Take a utility template.',
    pt: 'Desde {since} este contato não aceita mensagens de marketing suas. Use um template de utilidade.',
  },
  example: { pointer: '/contact', params: { since: '2026-11-01T12:00:00.000Z' } },
});
export const contact_unreachable = defineProblem({
  code: 'contact_unreachable',
  status: 422,
  title: { en: 'The contact has no address on this channel', pt: 'O contato não tem endereço neste canal' },
  detail: {
    en: 'This contact has no phone, and no other address that this channel can use for this message. Add a phone.',
    pt: 'Este contato não tem telefone nem outro endereço que este canal use para esta mensagem. Inclua um telefone.',
  },
  example: { pointer: '/contact' },
});

export const start_check_problems = [
  contact_not_found,
  phone_invalid,
  phone_area_code_missing,
  channel_required,
  channel_not_found,
  channel_unavailable,
  team_not_found,
  team_not_on_channel,
  ...first_message_problems,
  contact_opted_out,
  contact_unreachable,
];

/** A start that may go ahead. `contact` is null when it is to be created from the phone. */
export interface CheckedStart {
  contact: StartContact | null;
  channel: StartChannel;
  provider: Provider;
  team: StartTeam;
  message: ChosenMessage | null;
  /** Where this attendance goes; null for a person whom this channel cannot reach, who can have no message. */
  address: Address | null;
}

/**
 * Judges a start in the order of the contract: contact, channel, team, template, opt-out. Changes nothing. Without
 * refusals the start may go ahead; with some, what could not be judged any more is left out.
 */
export function checkStart(
  body: StartAttendanceBody,
  facts: StartFacts,
  phone: Phone | null,
): { checked: CheckedStart | null; refusals: Problem[] } {
  const refusals = createRefusals();
  const { check, found } = refusals;
  const contact = check(() => checkContact(body, facts)) ?? null;
  const channel = check(() => findChannel(body, facts));
  if (channel) check(() => checkAvailable(channel));
  const team = check(() => checkTeam(body, facts, channel));
  if (!channel) return { checked: null, refusals: found };
  const provider = findProvider(channel.provider);
  const message = chooseFirstMessage(provider.type, body, facts.template, channel.id, refusals);
  // Judged whatever is wrong with the message, so that a dry run names all of it.
  if (provider.type === 'official') check(() => checkOptOut(contact, facts.template));
  // What is written into an open attendance goes where that goes, whatever the contact's number is by now.
  const reused = body.on_open === 'reuse' ? (facts.open?.address ?? null) : null;
  const address = reused ?? chooseAddress(provider, channel, contact, phone);
  const is_written_to = provider.type === 'official' || body.text !== undefined;
  if (is_written_to && (contact ?? phone)) check(() => checkReachable(address, message ? facts.template : null));
  if (!team || found.length > 0) return { checked: null, refusals: found };
  return { checked: { contact, channel, provider, team, message, address }, refusals: found };
}

function checkContact(body: StartAttendanceBody, facts: StartFacts): StartContact | null {
  if (facts.contact || !('id' in body.contact)) return facts.contact;
  throw contact_not_found({ pointer: '/contact/id', params: { id: body.contact.id } });
}

function findChannel(body: StartAttendanceBody, { channels }: StartFacts): StartChannel {
  const [channel] = channels;
  if (body.channel_id === undefined && channels.length !== 1) {
    throw channel_required({ pointer: '/channel_id', params: { usable: channels.length === 0 ? 'no' : 'several' } });
  }
  if (!channel) throw channel_not_found({ pointer: '/channel_id', params: { id: body.channel_id } });
  return channel;
}

/** Throws `channel_unavailable` for a channel that cannot open anything now. */
export function checkAvailable({ name, status, status_detail }: StartChannel): void {
  if (status !== 'disconnected' && status !== 'restricted') return;
  throw channel_unavailable({
    pointer: '/channel_id',
    params: { name, status, reason: status_detail ?? 'no reason given' },
  });
}

function checkTeam(body: StartAttendanceBody, { team }: StartFacts, channel: StartChannel | undefined): StartTeam {
  if (!team) throw team_not_found({ pointer: '/team_id', params: { id: body.team_id } });
  if (channel) checkTeamOnChannel(team, channel);
  return team;
}

/** Throws `team_not_on_channel`. */
export function checkTeamOnChannel(
  team: Pick<StartTeam, 'name' | 'channel_scope' | 'channel_ids'>,
  channel: { id: string; name: string },
): void {
  const works_here =
    team.channel_scope === 'all' || (team.channel_scope === 'selected' && team.channel_ids.includes(channel.id));
  if (works_here) return;
  throw team_not_on_channel({ pointer: '/team_id', params: { team: team.name, channel: channel.name } });
}

/** Throws `contact_opted_out` for a marketing template. */
export function checkOptOut(contact: StartContact | null, template: StartTemplate | null): void {
  if (!contact?.marketing_opted_out_at || template?.category !== 'marketing') return;
  const since = new Date(contact.marketing_opted_out_at).toISOString();
  throw contact_opted_out({ pointer: '/contact', params: { since } });
}

/** Throws `contact_unreachable` when there is no address, or none that Meta sends a one-time code to. */
export function checkReachable(address: Address | null, template: Pick<StartTemplate, 'category'> | null): Address {
  const is_code = template?.category === 'authentication';
  if (!address || (is_code && ['bsuid', 'parent_bsuid'].includes(address.kind)))
    throw contact_unreachable({ pointer: '/contact' });
  return address;
}

/**
 * Where the message goes: an address that this channel's gateway gave for the person's number of now, else the number, else
 * what the provider calls a person without one. On official channels the phone comes first: it keeps the phone flowing to us.
 */
export function chooseAddress(
  provider: Provider,
  channel: StartChannel,
  contact: StartContact | null,
  phone: Phone | null,
): Address | null {
  const here = (contact?.identities ?? []).filter((one) => one.scope === identityScopeOf(channel, one.kind));
  const find = (isWanted: (one: { kind: string; value: string }) => boolean) =>
    here.find(isWanted) as Address | undefined;
  const number = contact ? contact.phone : (phone?.e164 ?? null);
  const { checks_number } = provider.capabilities;
  const kinds = ['bsuid', 'parent_bsuid', 'lid', ...(checks_number ? ['wa_id'] : [])];
  const address =
    number === null
      ? find(({ kind }) => kinds.includes(kind))
      : ((checks_number ? find((one) => isOfNumber(one, number)) : undefined) ?? {
          kind: 'phone' as const,
          value: number,
        });
  return address ? { kind: address.kind, value: address.value } : null;
}

/** A number that was changed leaves the gateway's address of the old one behind, which is somebody else's by now. */
function isOfNumber({ kind, value }: { kind: string; value: string }, phone: string): boolean {
  return kind === 'wa_id' && phoneSearchText(phone).split(' ').includes(value.replace(/@.*$/, ''));
}
