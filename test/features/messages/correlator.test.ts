import { randomBytes } from 'node:crypto';
import t from 'tap';
import { v7 as uuid } from 'uuid';
import { createCorrelator, readCorrelator } from '../../../src/features/messages/correlator.ts';
import { createVault } from '../../../src/seal.ts';

const vault = createVault(randomBytes(32), uuid());
const message_id = uuid();

t.test('a correlator', async (t) => {
  t.test('names a message and an attempt, and is read again', async (t) => {
    for (const attempt of [1, 2, 999_999_999]) {
      const correlator = createCorrelator(vault, message_id, attempt);
      t.same(readCorrelator(vault, correlator), { message_id, attempt });
      t.ok(correlator.length <= 100, `${correlator.length} characters`);
    }
  });

  t.test('differs by message and attempt', async (t) => {
    const all = [
      createCorrelator(vault, message_id, 1),
      createCorrelator(vault, message_id, 2),
      createCorrelator(vault, uuid(), 1),
    ];
    t.equal(new Set(all).size, 3);
  });

  t.test('of another account is none', async (t) => {
    const other = createVault(randomBytes(32), uuid());
    t.equal(readCorrelator(other, createCorrelator(vault, message_id, 1)), null);
  });

  t.test('changed in any one character is none', async (t) => {
    const correlator = createCorrelator(vault, message_id, 17);
    const accepted = [...correlator].flatMap((character, index) => {
      const changed = correlator.slice(0, index) + (character === 'A' ? 'B' : 'A') + correlator.slice(index + 1);
      return readCorrelator(vault, changed) === null ? [] : [changed];
    });
    t.same(accepted, []);
  });

  t.test('is not found in what is no correlator', async (t) => {
    const correlator = createCorrelator(vault, message_id, 1);
    for (const text of [
      '',
      'cv1',
      correlator.slice(0, -1),
      `${correlator}A`,
      ` ${correlator}`,
      correlator.replace('cv1', 'cv2'),
    ])
      t.equal(readCorrelator(vault, text), null, JSON.stringify(text));
  });
});
