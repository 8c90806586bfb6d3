import t from 'tap';
import { blankEvent } from '../../../src/features/privacy/blank-event.ts';

const provider = { name: 'evolution', code: '400', message: 'no +5531981234567', trace_id: 'A1' };
const error = { code: 'message_invalid', detail: 'x', retryable: false, action: null, provider };
const silent = { ...error, provider: { ...provider, message: null, trace_id: null } };
const times = { created_at: '2026-11-22T12:00:00.000Z' };

t.test('blankEvent', async (t) => {
  t.test('of a contact: what names the person', async (t) => {
    const kept = { id: 'c', ...times };
    const identities = [{ kind: 'phone', value: '+5531981234567' }];
    const named = { name: 'Ana', profile_name: 'A', phone: '+5531981234567', phone_national: '(31) 98123-4567' };
    const more = { email: 'a@example.com', external_ref: 'crm-1', marketing_opted_out_at: '2026-01-01T00:00:00.000Z' };
    t.same(blankEvent('contact.created', { ...kept, ...named, ...more, metadata: { a: 1 }, identities }), {
      ...kept,
      ...{ name: null, profile_name: null, phone: null, phone_national: null },
      ...{ email: null, external_ref: null, marketing_opted_out_at: null },
      metadata: {},
      identities: [],
    });
  });

  t.test(
    'of an attendance: the contact, the first message and what the caller added, not who started it',
    async (t) => {
      const kept = { id: 'a', status: 'failed', started_by: { actor: { name: 'Bia' } }, ...times };
      const attendance = {
        ...kept,
        contact: { id: 'c', name: 'Ana', phone: '+5531981234567' },
        first_message: { id: 'm', type: 'text', status: 'failed', text: 'Olá Ana', error },
        external_ref: 'crm-1',
        metadata: { a: 1 },
        close_reason: 'Ana asked',
      };
      t.same(blankEvent('attendance.failed', attendance), {
        ...kept,
        contact: { id: 'c', name: null, phone: null },
        first_message: { id: 'm', type: 'text', status: 'failed', text: null, error: silent },
        external_ref: null,
        metadata: {},
        close_reason: null,
      });
      t.same(blankEvent('attendance.opened', { ...kept, first_message: null }), { ...kept, first_message: null });
    },
  );

  t.test("of a message: text, parameters, media, the provider's id and words, and why a person decided", async (t) => {
    const kept = { id: 'm', attendance_id: 'a', contact_id: 'c', status: 'failed', ...times };
    const message = {
      ...kept,
      text: 'Olá Ana',
      template: { id: 't', name: 'boas_vindas', language: 'pt_BR', parameters: { 'body.1': 'Ana' } },
      media: { id: 'x' },
      provider_message_id: 'P1',
      error,
      attempts: [
        { number: 1, outcome: 'refused', error },
        { number: 2, outcome: 'accepted', error: null },
      ],
      resolutions: [{ action: 'resend', reason: 'Ana called', decided_by: { actor: { name: 'Bia' } } }],
    };
    t.same(blankEvent('message.failed', message), {
      ...kept,
      text: null,
      template: { id: 't', name: 'boas_vindas', language: 'pt_BR', parameters: {} },
      media: null,
      provider_message_id: null,
      error: silent,
      attempts: [
        { number: 1, outcome: 'refused', error: silent },
        { number: 2, outcome: 'accepted', error: null },
      ],
      resolutions: [{ action: 'resend', reason: null, decided_by: { actor: { name: 'Bia' } } }],
    });
    t.same(blankEvent('message.accepted', { ...kept, template: null, error: null, attempts: [] }), {
      ...kept,
      template: null,
      error: null,
      attempts: [],
    });
  });

  t.test('leaves a blank one as it is', async (t) => {
    const erased = { id: 'c', erased_at: times.created_at };
    t.same(blankEvent('contact.erased', erased), erased);
    t.same(blankEvent('contact.erased', null), null);
  });
});
