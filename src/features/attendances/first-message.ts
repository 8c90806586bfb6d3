import { defineProblem } from '../../problem.ts';
import type { ChannelType, OutboundContent } from '../../providers/provider.ts';
import { template_not_found } from '../references.ts';
import { template_parameters_invalid } from '../templates/check-parameters.ts';
import { fillTemplate, template_component_unsupported } from '../templates/fill-template.ts';
import { type RenderedTemplate, renderedText } from '../templates/render-template.ts';
import type { Refusals } from './refusals.ts';
import type { StartAttendanceBody } from './start.schema.ts';
import type { StartTemplate } from './start-facts.repository.ts';

const template_required = defineProblem({
  code: 'template_required',
  status: 422,
  title: { en: 'A template is mandatory here', pt: 'O template é obrigatório aqui' },
  detail: {
    en: 'An attendance on an official channel opens with an approved template. GET /v1/templates?channel_id={channel_id} lists them.',
    pt: 'Um atendimento em canal oficial abre com um template aprovado. GET /v1/templates?channel_id={channel_id} os lista.',
  },
  example: { pointer: '/template', params: { channel_id: '019a0000-0000-7000-8000-0000000000c1' } },
});
export const template_not_supported = defineProblem({
  code: 'template_not_supported',
  status: 422,
  title: { en: 'This channel has no templates', pt: 'Este canal não tem templates' },
  detail: {
    en: 'An unofficial channel sends text. Leave `template` out; send `text`, or nothing to open without a message.',
    pt: 'Um canal não oficial envia texto. Omita `template`; envie `text`, ou nada para abrir sem mensagem.',
  },
  example: { pointer: '/template' },
});
const text_not_allowed = defineProblem({
  code: 'text_not_allowed',
  status: 422,
  title: { en: 'Free text may not come first here', pt: 'Texto livre não pode vir primeiro aqui' },
  detail: {
    en: 'On an official channel the first message is a template. Leave `text` out.',
    pt: 'Em canal oficial a primeira mensagem é um template. Omita `text`.',
  },
  example: { pointer: '/text' },
});
export const template_not_on_channel = defineProblem({
  code: 'template_not_on_channel',
  status: 422,
  title: { en: 'The template is of another channel', pt: 'O template é de outro canal' },
  detail: {
    en: 'Template {name} ({language}) is not on this channel. GET /v1/templates?channel_id={channel_id} lists those that are.',
    pt: 'O template {name} ({language}) não é deste canal. GET /v1/templates?channel_id={channel_id} lista os que são.',
  },
  example: {
    pointer: '/template',
    params: { name: 'boas_vindas', language: 'pt_BR', channel_id: '019a0000-0000-7000-8000-0000000000c1' },
  },
});
export const template_not_approved = defineProblem({
  code: 'template_not_approved',
  status: 422,
  title: { en: 'The template is not approved', pt: 'O template não está aprovado' },
  detail: {
    en: 'Template {name} ({language}) is {status}. Take an approved one, or sync the channel if it was approved since.',
    pt: 'O template {name} ({language}) está {status}. Use um aprovado, ou sincronize o canal se ele já foi aprovado.',
  },
  example: { pointer: '/template', params: { name: 'boas_vindas', language: 'pt_BR', status: 'paused' } },
});

export const first_message_problems = [
  template_required,
  template_not_supported,
  text_not_allowed,
  template_not_found,
  template_not_on_channel,
  template_not_approved,
  template_component_unsupported,
  template_parameters_invalid,
];

/** What opens the attendance: the frozen payload, the text that history keeps, and the template as given. */
export interface FirstMessage {
  type: 'text' | 'template';
  text: string | null;
  template: { id: string; name: string; language: string; parameters: Record<string, unknown> } | null;
  payload: OutboundContent;
}

/** With what its reader will see. */
export interface ChosenMessage extends FirstMessage {
  rendered: RenderedTemplate;
}

type Asked = Pick<StartAttendanceBody, 'template' | 'text'>;

/**
 * The branch on channel type: a template on official channels; text, or nothing (null), on unofficial ones. What speaks
 * against it goes into `refusals`.
 */
export function chooseFirstMessage(
  type: ChannelType,
  asked: Asked,
  template: StartTemplate | null,
  channel_id: string,
  refusals: Refusals,
): ChosenMessage | null {
  switch (type) {
    case 'official':
      return chooseTemplate(asked, template, channel_id, refusals);
    case 'unofficial':
      refusals.check(() => refuseTemplate(asked));
      return asked.text === undefined ? null : textMessage(asked.text);
  }
}

function chooseTemplate(
  { template: asked, text }: Asked,
  template: StartTemplate | null,
  channel_id: string,
  { check }: Refusals,
): ChosenMessage | null {
  check(() => {
    if (asked === undefined) throw template_required({ pointer: '/template', params: { channel_id } });
  });
  check(() => {
    if (text !== undefined) throw text_not_allowed({ pointer: '/text' });
  });
  return asked === undefined ? null : templateMessage(asked, template, channel_id, { check });
}

function refuseTemplate({ template }: Asked): void {
  if (template !== undefined) throw template_not_supported({ pointer: '/template' });
}

export function textMessage(text: string): ChosenMessage {
  const rendered = { header: null, body: text, footer: null, buttons: [] };
  return { type: 'text', text, template: null, payload: { type: 'text', text }, rendered };
}

/** A template that was found, is of this channel, approved and exactly filled; else null, with the reasons in refusals. */
export function templateMessage(
  asked: NonNullable<Asked['template']>,
  template: StartTemplate | null,
  channel_id: string,
  { check }: Pick<Refusals, 'check'>,
): ChosenMessage | null {
  const found = check(() => {
    if (template) return template;
    const [pointer, id] =
      'id' in asked ? ['/template/id', asked.id] : ['/template/name', `${asked.name} (${asked.language})`];
    throw template_not_found({ pointer, params: { id } });
  });
  if (!found) return null;
  check(() => refuseUnfit(found, channel_id));
  return check(() => fill(found, asked.parameters)) ?? null;
}

function refuseUnfit(template: StartTemplate, channel_id: string): void {
  const { name, language, status } = template;
  const said = { pointer: '/template', params: { name, language, status, channel_id } };
  if (template.channel_id !== channel_id) throw template_not_on_channel(said);
  if (status !== 'approved') throw template_not_approved(said);
}

function fill(template: StartTemplate, parameters: Record<string, unknown> | undefined): ChosenMessage {
  const { id, name, language, parameter_format } = template;
  const { filled, rendered } = fillTemplate(template, parameters);
  return {
    type: 'template',
    text: renderedText(rendered),
    template: { id, name, language, parameters: parameters ?? {} },
    payload: { type: 'template', name, language, parameter_format, slots: filled },
    rendered,
  };
}
