import type { Text } from '../problem.ts';

export type ErrorAction = 'fix_number' | 'sync_template' | 'wait' | 'ask_opt_in' | 'pay' | 'reconnect_channel';

export interface ProviderErrorKind {
  /** The same message may be accepted later without a change. */
  retryable: boolean;
  action: ErrorAction | null;
  detail: Text;
}

/** Our codes for what providers refuse: stable, part of the contract, in docs/errors.md. */
export const provider_errors = {
  recipient_not_on_whatsapp: permanent(
    'fix_number',
    'This number has no WhatsApp account. Check the number with the contact.',
    'Este número não tem conta no WhatsApp. Confira o número com o contato.',
  ),
  recipient_undeliverable: permanent(
    'fix_number',
    'WhatsApp cannot deliver to this number: no account, a very old app, or terms not accepted.',
    'O WhatsApp não consegue entregar a este número: sem conta, aplicativo muito antigo ou termos não aceitos.',
  ),
  recipient_address_invalid: permanent(
    'fix_number',
    'This provider cannot send to an address of this form.',
    'Este provedor não envia para um endereço deste formato.',
  ),
  recipient_is_sender: permanent(
    'fix_number',
    "The contact has the channel's own number.",
    'O contato tem o próprio número do canal.',
  ),
  recipient_phone_required: permanent(
    'fix_number',
    "This template can only be sent to a phone number, and the contact's is not known.",
    'Este template só pode ser enviado a um telefone, e o do contato não é conhecido.',
  ),
  recipient_identity_changed: permanent(
    'fix_number',
    'The person behind this number may have changed. Confirm the identity before writing again.',
    'A pessoa por trás deste número pode ter mudado. Confirme a identidade antes de escrever de novo.',
  ),
  recipient_opted_out: permanent(
    'ask_opt_in',
    'The contact has stopped marketing messages from this company.',
    'O contato cancelou as mensagens de marketing desta empresa.',
  ),
  recipient_blocked: permanent(
    null,
    'The company has blocked this contact at the provider. Unblock the contact first.',
    'A empresa bloqueou este contato no provedor. Desbloqueie o contato antes.',
  ),
  recipient_in_experiment: permanent(
    'wait',
    'WhatsApp does not deliver marketing messages to this contact for now.',
    'O WhatsApp não entrega mensagens de marketing a este contato por enquanto.',
  ),
  recipient_not_on_test_list: permanent(
    'fix_number',
    'A test number may only write to the recipients listed at the provider.',
    'Um número de teste só escreve aos destinatários cadastrados no provedor.',
  ),
  recipient_country_restricted: permanent(
    null,
    "This account may not write to the contact's country.",
    'Esta conta não pode escrever para o país do contato.',
  ),
  recipient_rate_limited: transient(
    'wait',
    'Too many messages to this one contact in a short time.',
    'Mensagens demais para este mesmo contato em pouco tempo.',
  ),
  marketing_limit_reached: transient(
    'wait',
    'This contact has received enough marketing messages for now. Wait at least 24 hours.',
    'Este contato já recebeu mensagens de marketing suficientes por ora. Espere ao menos 24 horas.',
  ),
  service_window_closed: permanent(
    null,
    'More than 24 hours have passed since the contact last wrote. Send a template.',
    'Passaram mais de 24 horas desde a última mensagem do contato. Envie um template.',
  ),
  message_invalid: permanent(
    null,
    'The provider says that the message is malformed.',
    'O provedor diz que a mensagem está malformada.',
  ),
  content_not_allowed: permanent(
    null,
    'The provider refuses the content as against its policy.',
    'O provedor recusa o conteúdo por violar a sua política.',
  ),
  media_unusable: permanent(
    null,
    'The provider could not fetch the media or does not accept its kind or size.',
    'O provedor não conseguiu buscar a mídia ou não aceita o seu tipo ou tamanho.',
  ),
  template_not_found: permanent(
    'sync_template',
    'The provider has no approved template of this name and language.',
    'O provedor não tem template aprovado com este nome e idioma.',
  ),
  template_parameters_rejected: permanent(
    'sync_template',
    'The parameters do not fit the template as the provider has it.',
    'Os parâmetros não correspondem ao template como está no provedor.',
  ),
  template_paused: permanent(
    'sync_template',
    'The provider has paused this template for low quality.',
    'O provedor pausou este template por baixa qualidade.',
  ),
  template_disabled: permanent(
    'sync_template',
    'The provider has disabled this template.',
    'O provedor desativou este template.',
  ),
  template_wrong_route: permanent(
    null,
    'The provider wants this marketing template sent another way.',
    'O provedor exige outro caminho de envio para este template de marketing.',
  ),
  template_syncing: transient(
    'wait',
    'The provider is still preparing this template.',
    'O provedor ainda está preparando este template.',
  ),
  template_listing_unusable: transient(
    'wait',
    "The provider's list of templates could not be read to its end.",
    'A lista de templates do provedor não pôde ser lida até o fim.',
  ),
  channel_credentials_invalid: permanent(
    'reconnect_channel',
    "The provider does not accept the channel's credentials.",
    'O provedor não aceita as credenciais do canal.',
  ),
  channel_permission_missing: permanent(
    'reconnect_channel',
    "The channel's credentials lack a permission at the provider.",
    'Falta às credenciais do canal uma permissão no provedor.',
  ),
  channel_not_found_at_provider: permanent(
    'reconnect_channel',
    "The provider does not know this channel's number or instance.",
    'O provedor não conhece o número ou a instância deste canal.',
  ),
  channel_not_registered: permanent(
    'reconnect_channel',
    "The channel's number is not registered at the provider.",
    'O número do canal não está registrado no provedor.',
  ),
  channel_name_not_approved: permanent(
    null,
    "The display name of the channel's number is not approved yet.",
    'O nome de exibição do número do canal ainda não foi aprovado.',
  ),
  channel_blocked: permanent(
    null,
    "The provider has blocked or locked this channel's account.",
    'O provedor bloqueou a conta deste canal.',
  ),
  channel_spam_limited: transient(
    'wait',
    'Too many people blocked or reported this channel. The provider limits it for hours.',
    'Muitas pessoas bloquearam ou denunciaram este canal. O provedor o limita por horas.',
  ),
  channel_messaging_limit_reached: transient(
    'wait',
    'The channel may not start more conversations for now.',
    'O canal não pode iniciar mais conversas por enquanto.',
  ),
  channel_restricted_for_new_chats: permanent(
    'wait',
    'WhatsApp does not let this number start new chats for now. Trying again makes it worse.',
    'O WhatsApp não deixa este número iniciar novas conversas por ora. Insistir piora a restrição.',
  ),
  channel_url_not_allowed: permanent(
    'reconnect_channel',
    "The channel's address may not be called: form, scheme or private network.",
    'O endereço do canal não pode ser chamado: formato, esquema ou rede privada.',
  ),
  payment_required: permanent(
    'pay',
    'The provider wants a payment matter settled first.',
    'O provedor exige que se resolva antes uma pendência de pagamento.',
  ),
  provider_rate_limited: transient(
    'wait',
    'The provider takes no more for the moment.',
    'O provedor não aceita mais no momento.',
  ),
  provider_unavailable: transient(
    'wait',
    'The provider has a fault of its own and refused for now.',
    'O provedor está com uma falha própria e recusou por ora.',
  ),
  provider_refused: permanent(
    null,
    'The provider refused with a code that is not known here.',
    'O provedor recusou com um código que aqui não é conhecido.',
  ),
  provider_unreachable: transient(
    'wait',
    'The provider could not be reached; nothing was sent. It is tried again by itself.',
    'Não foi possível alcançar o provedor; nada foi enviado. A tentativa se repete sozinha.',
  ),
  provider_answer_lost: permanent(
    'wait',
    'The message may or may not have been sent: no clear answer came. It is not repeated unless the channel or a person says so.',
    'A mensagem pode ou não ter sido enviada: não veio resposta clara. Ela só é repetida se o canal ou uma pessoa assim decidir.',
  ),
} satisfies Record<string, ProviderErrorKind>;

export type ProviderErrorCode = keyof typeof provider_errors;

function permanent(action: ErrorAction | null, en: string, pt: string): ProviderErrorKind {
  return { retryable: false, action, detail: { en, pt } };
}

function transient(action: ErrorAction | null, en: string, pt: string): ProviderErrorKind {
  return { retryable: true, action, detail: { en, pt } };
}
