import { type ProviderErrorKind, provider_errors } from '../../providers/provider.ts';

/** What we ourselves say of a message, beside what providers refuse. */
const own_errors = {
  not_sent_in_time: {
    retryable: true,
    action: 'wait',
    detail: {
      en: 'It was still queued when its time was over, so it was not sent. Start again, or give it more time (send_within_s).',
      pt: 'Ainda estava na fila quando o prazo acabou, por isso não foi enviada. Inicie de novo ou dê mais prazo (send_within_s).',
    },
  },
  presumed_lost: {
    retryable: false,
    action: null,
    detail: {
      en: 'Nobody could tell whether it was sent, and it was given up (after 7 days, or as the channel says). It may have arrived.',
      pt: 'Ninguém pôde dizer se foi enviada, e desistiu-se dela (após 7 dias, ou como diz o canal). Pode ter chegado.',
    },
  },
  marked_failed: {
    retryable: false,
    action: null,
    detail: {
      en: 'Nobody could tell whether it was sent, and a person decided that it was not.',
      pt: 'Ninguém pôde dizer se foi enviada, e uma pessoa decidiu que não foi.',
    },
  },
  contact_erased: {
    retryable: false,
    action: null,
    detail: {
      en: 'Nobody could tell whether it was sent when the contact was erased; nobody will ask any more.',
      pt: 'Ninguém podia dizer se foi enviada quando o contato foi apagado; ninguém perguntará mais.',
    },
  },
} satisfies Record<string, ProviderErrorKind>;

export const message_errors: Record<string, ProviderErrorKind> = { ...provider_errors, ...own_errors };
