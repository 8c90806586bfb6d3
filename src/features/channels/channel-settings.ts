import type { Scope } from '../../context.ts';
import { defineProblem } from '../../problem.ts';
import type { Provider } from '../../providers/provider.ts';
import { readPhone } from '../contacts/phone-number.ts';
import { credentials_binding } from './provider-call.ts';

/** What a channel is told the same way when it is made and when it is changed. */

export const on_unknown_not_supported = defineProblem({
  code: 'on_unknown_not_supported',
  status: 422,
  title: { en: 'This provider cannot recognise a repeat', pt: 'Este provedor não reconhece uma repetição' },
  detail: {
    en: '`resend_same_id` needs a provider that lets us choose the message id; {provider} does not. Take `hold`, `resend` or `fail`.',
    pt: '`resend_same_id` exige um provedor que nos deixe escolher o id da mensagem; {provider} não deixa. Use `hold`, `resend` ou `fail`.',
  },
  example: { pointer: '/on_unknown', params: { provider: 'evolution' } },
});

/** Paths are put behind it: without slashes at its end. */
export const toBaseUrl = (given: string): string => given.replace(/\/+$/, '');

/** E.164, null for none; throws `phone_invalid`, `phone_area_code_missing`. */
export function readChannelPhone(scope: Pick<Scope, 'default_country'>, given: string | null): string | null {
  return given === null ? null : readPhone(given, scope.default_country, '/phone').e164;
}

/** Throws `on_unknown_not_supported`. */
export function checkOnUnknown({ name, capabilities }: Provider, on_unknown: string | undefined): void {
  if (on_unknown !== 'resend_same_id' || capabilities.chooses_message_id) return;
  throw on_unknown_not_supported({ pointer: '/on_unknown', params: { provider: name } });
}

/** Sealed for the one channel that they are of. */
export function sealCredentials(
  scope: Pick<Scope, 'vault'>,
  channel_id: string,
  credentials: Record<string, string>,
): Buffer {
  return scope.vault.seal(Buffer.from(JSON.stringify(credentials)), credentials_binding(channel_id));
}
