import t from 'tap';
import { message_errors } from '../../../src/features/messages/message-error-kinds.ts';
import { type KeptError, toMessageError } from '../../../src/features/messages/message-errors.ts';
import { provider_errors } from '../../../src/providers/provider.ts';

const provider = { name: 'whatsapp_cloud', code: '190', message: 'Session has expired', trace_id: 'Abc' };

t.test('message_errors has every code of the providers, and our own', async (t) => {
  t.same(
    Object.keys(provider_errors).filter((code) => !(code in message_errors)),
    [],
  );
  t.match(message_errors.not_sent_in_time, { retryable: true, action: 'wait' });
});

t.test('toMessageError', async (t) => {
  t.equal(toMessageError(null, 'en'), null);
  t.equal(toMessageError(undefined, 'en'), null);

  const kept: KeptError = { code: 'channel_credentials_invalid', provider };
  t.same(
    toMessageError(kept, 'en'),
    {
      code: 'channel_credentials_invalid',
      detail: provider_errors.channel_credentials_invalid.detail.en,
      retryable: false,
      action: 'reconnect_channel',
      provider,
    },
    'shows what is kept, with our own words for it',
  );
  t.equal(toMessageError(kept, 'pt-BR')?.detail, provider_errors.channel_credentials_invalid.detail.pt);
  t.match(
    toMessageError({ code: 'gone_since', provider: null }, 'en'),
    { code: 'gone_since', detail: 'gone_since', retryable: false, action: null, provider: null },
    'a code that this version does not know is shown as it is',
  );
});
