import type { InboundCase } from '../support/provider-fixtures.ts';
import { at, bodyOf, bodyWith, from, identities, metadata, seconds } from './whatsapp-cloud-inbound.bodies.ts';
import type { Json } from './whatsapp-cloud-inbound-messages.fixtures.ts';

const phone_identities = identities.slice(0, 2);

function system(title: string, told: Json, expected: InboundCase['expected'][number]): InboundCase {
  const messages = [{ from: '553188880001', id: 'wamid.S1', timestamp: seconds, type: 'system', system: told }];
  return { title, body: bodyOf('messages', { metadata, messages }), expected: [expected] };
}

export const person_cases: InboundCase[] = [
  {
    title: 'a person without a number',
    body: bodyWith(
      { from: '', from_parent_user_id: 'BR.ENT.9Z', type: 'text', text: { body: 'oi' } },
      {
        contacts: [{ profile: { name: 'Ana', username: 'ana.x' }, user_id: 'BR.1A2B3C', parent_user_id: 'BR.ENT.9Z' }],
      },
    ),
    expected: [
      {
        kind: 'message',
        from: {
          identities: [
            { kind: 'bsuid', value: 'BR.1A2B3C' },
            { kind: 'parent_bsuid', value: 'BR.ENT.9Z' },
          ],
          profile_name: 'Ana',
        },
      },
    ],
  },
  {
    title: 'a user id in two places is one name, and a number that the card alone tells is a phone',
    body: bodyWith({ from: undefined, from_parent_user_id: 'BR.1A2B3C', type: 'text', text: { body: 'oi' } }),
    expected: [{ kind: 'message', from }],
  },
  system(
    'a new number',
    {
      type: 'user_changed_number',
      body: '…',
      wa_id: '553188880009',
      previous_user_id: 'BR.1A2B3C',
      user_id: 'BR.9NEW',
    },
    {
      kind: 'identity',
      at,
      before: identities,
      after: [
        { kind: 'wa_id', value: '553188880009' },
        { kind: 'phone', value: '+553188880009' },
        { kind: 'bsuid', value: 'BR.9NEW' },
      ],
    },
  ),
  system(
    'a new user id, the number the same',
    {
      type: 'user_changed_user_id',
      body: '…',
      previous_user_id: 'BR.OLD',
      user_id: 'BR.NEW',
      previous_parent_user_id: 'BR.ENT.OLD',
    },
    {
      kind: 'identity',
      at,
      before: [...phone_identities, { kind: 'bsuid', value: 'BR.OLD' }, { kind: 'parent_bsuid', value: 'BR.ENT.OLD' }],
      after: [...phone_identities, { kind: 'bsuid', value: 'BR.NEW' }],
    },
  ),
  system(
    'another phone with the same number',
    { type: 'customer_identity_changed', body: '…', identity: { hash: 'x' } },
    { kind: 'ignored', reason: 'identity_key_changed' },
  ),
];
