import t from 'tap';
import { phoneSearchText, readPhone, searchDigits } from '../../../src/features/contacts/phone-number.ts';
import { Problem } from '../../../src/problem.ts';

const area_codes = [
  11, 12, 13, 14, 15, 16, 17, 18, 19, 21, 22, 24, 27, 28, 31, 32, 33, 34, 35, 37, 38, 41, 42, 43, 44, 45, 46, 47, 48,
  49, 51, 53, 54, 55, 61, 62, 63, 64, 65, 66, 67, 68, 69, 71, 73, 74, 75, 77, 79, 81, 82, 83, 84, 85, 86, 87, 88, 89,
  91, 92, 93, 94, 95, 96, 97, 98, 99,
];

const read = (input: string, country = 'BR') => readPhone(input, country, '/phone');

function refusalOf(input: string, country = 'BR') {
  try {
    return read(input, country).e164;
  } catch (error) {
    if (error instanceof Problem) return error.kind.code;
    throw error;
  }
}

/** The ways to write area code + subscriber (`98888-0001` or `3222-0001`). */
function spellings(area: number, subscriber: string): string[] {
  const digits = `${area}${subscriber.replace('-', '')}`;
  return [
    `(${area}) ${subscriber}`,
    `${area} ${subscriber}`,
    digits,
    `0${digits}`,
    `(0${area}) ${subscriber}`,
    `0 21 ${area} ${subscriber}`,
    `015${digits}`,
    `+55 ${area} ${subscriber}`,
    `+55 (0${area}) ${subscriber}`,
    `+55 0 41 ${area} ${subscriber}`,
    `(+55) ${area} ${subscriber}`,
    `+55${digits}`,
    `55${digits}`,
    `55 0${digits}`,
    `0055${digits}`,
    `055${digits}`,
    `${area}.${subscriber.replace('-', '.')}`,
    `${area}/${subscriber}`,
    ` \u202a+55\u00a0${area}\u00a0${subscriber.replace('-', '\u2011')}\u202c\n`,
  ];
}

t.equal(area_codes.length, 67);

for (const area of area_codes) {
  t.test(`area code ${area}: mobile, old mobile and landline in every spelling`, async (t) => {
    const mobile = `+55${area}988880001`;
    const landline = `+55${area}32220001`;
    const seen = (subscriber: string) => spellings(area, subscriber).map((input) => [input, read(input)]);
    const expected = (subscriber: string, phone: object) =>
      spellings(area, subscriber).map((input) => [input, { input, country: 'BR', ...phone }]);
    for (const subscriber of ['98888-0001', '8888-0001']) {
      const alternates = [`+55${area}88880001`];
      const national = `(${area}) 98888-0001`;
      t.same(
        seen(subscriber),
        expected(subscriber, { e164: mobile, key: mobile, national, kind: 'mobile', alternates }),
      );
    }
    const national = `(${area}) 3222-0001`;
    const phone = { e164: landline, key: landline, national, kind: 'landline', alternates: [] };
    t.same(seen('3222-0001'), expected('3222-0001', phone), 'a landline never gets a ninth digit');
  });
}

t.test('an area code that Brazil does not have is refused by name', async (t) => {
  const all = Array.from({ length: 90 }, (_, index) => index + 10);
  t.same(
    all.filter((area) => refusalOf(`${area}988880001`) !== 'phone_invalid'),
    area_codes,
  );
  t.same(
    all.filter((area) => refusalOf(`+55 ${area} 3222-0001`) !== 'phone_invalid'),
    area_codes,
  );
  const problem = problemOf('(20) 98888-0001');
  t.match(problem.violations, [
    { pointer: '/phone', code: 'phone_invalid', detail: { en: /20 is not a Brazilian/, pt: /20 não é um DDD/ } },
  ]);
});

t.test('Santa Maria: 55 is an area code in 10 and 11 digits, a country code in 12 and 13', async (t) => {
  t.equal(read('55 99999-8888').key, '+5555999998888');
  t.equal(read('55 9999-8888').key, '+5555999998888');
  t.equal(read('55 3222-0001').key, '+555532220001');
  t.equal(read('55 55 99999-8888').key, '+5555999998888');
  t.equal(read('55 55 9999-8888').key, '+5555999998888');
  t.equal(read('555532220001').key, '+555532220001');
  t.equal(refusalOf('+55 99999-8888'), 'phone_area_code_missing', 'an explicit country code leaves no area code');
});

t.test('the ninth digit is added to 6, 7, 8 and 9 only', async (t) => {
  for (const first of [6, 7, 8, 9]) t.equal(read(`31${first}8880001`).key, `+55319${first}8880001`);
  for (const first of [2, 3, 4, 5]) t.equal(read(`31${first}8880001`).key, `+5531${first}8880001`);
  for (const first of [0, 1]) t.equal(refusalOf(`31${first}8880001`), 'phone_invalid');
  t.equal(refusalOf('31388880001'), 'phone_invalid', 'nine digits that do not start with 9');
});

t.test('a mobile that never existed without the ninth digit has no alternate: it would be a landline', async (t) => {
  for (const first of [0, 1, 2, 3, 4, 5]) {
    const phone = read(`11 9${first}004-0001`);
    t.equal(phone.kind, 'mobile');
    t.same(phone.alternates, [], `${first}`);
  }
  for (const first of [6, 7, 8, 9]) t.same(read(`11 9${first}004-0001`).alternates, [`+5511${first}0040001`]);
});

t.test('8 or 9 digits: phone_area_code_missing, with what was sent and what to do', async (t) => {
  for (const input of ['98888-0001', '8888-0001', '3222-0001', '0 98888-0001', '+55 8888-0001', '4004-0001']) {
    t.equal(refusalOf(input), 'phone_area_code_missing', input);
  }
  const problem = problemOf('98888-0001');
  t.equal(problem.kind.status, 422);
  t.match(problem.violations, [
    { pointer: '/phone', code: 'phone_area_code_missing', detail: { en: /"98888-0001"/, pt: /"98888-0001".*DDD/ } },
  ]);
});

t.test('0800 and its kin', async (t) => {
  for (const input of ['0800 123 4567', '08001234567', '8001234567', '+55 800 123 4567', '+55 0800 123 4567']) {
    t.match(
      read(input),
      { key: '+558001234567', kind: 'toll_free', country: 'BR', national: '0800 123 4567', alternates: [] },
      input,
    );
  }
  t.equal(read('0800 123 456').key, '+55800123456');
  t.match(read('0300 123 4567'), { key: '+553001234567', kind: 'other' });
  t.equal(refusalOf('0800 1234'), 'phone_invalid');
});

t.test('foreign numbers are read by their own plan', async (t) => {
  t.match(read('+1 (212) 555-0123'), { key: '+12125550123', country: 'US', kind: 'other', alternates: [] });
  t.match(read('+1 555 012 3456'), { key: '+15550123456', kind: 'other' }, 'the area code of test senders');
  t.match(read('+351 912 345 678'), { key: '+351912345678', country: 'PT', kind: 'mobile', national: '912 345 678' });
  t.match(read('00 351 912 345 678'), { key: '+351912345678' });
  t.match(read('+39 06 1234 5678'), { key: '+390612345678', country: 'IT', kind: 'landline' }, 'a zero that stays');
  t.match(read('+800 1234 5678'), { key: '+80012345678', country: null, kind: 'toll_free' });
});

t.test("Argentina's 9 and Mexico's 1 are alternates of one another", async (t) => {
  const mobile = { e164: '+5491123456789', key: '+541123456789', kind: 'mobile', alternates: ['+541123456789'] };
  t.match(read('+54 9 11 2345-6789'), mobile);
  t.match(read('+54 11 2345-6789'), { e164: '+541123456789', key: mobile.key, alternates: ['+5491123456789'] });
  for (const input of ['+52 55 1234 5678', '+52 1 55 1234 5678', '005215512345678']) {
    t.match(read(input), { key: '+525512345678', country: 'MX', alternates: ['+5215512345678'] }, input);
  }
});

t.test('another default country reads its own national numbers, and Brazilian ones by country code', async (t) => {
  t.equal(read('912 345 678', 'PT').key, '+351912345678');
  t.equal(read('00351 912 345 678', 'PT').key, '+351912345678');
  t.equal(read('+55 31 8888-0001', 'PT').key, '+5531988880001');
  t.equal(read('00 55 31 8888-0001', 'PT').key, '+5531988880001');
  t.equal(read('011 55 31 98888-0001', 'US').key, '+5531988880001');
  t.equal(refusalOf('31 98888-0001', 'PT'), 'phone_invalid');
  t.equal(read('+351912345678', 'ZZ').key, '+351912345678', 'an unknown default country serves numbers with +');
  t.equal(refusalOf('912345678', 'ZZ'), 'phone_invalid');
});

t.test('what is no number is phone_invalid, and never an accident', async (t) => {
  const refused = [
    ...['', ' ', '+', '++5531988880001', '55+31988880001', '0', '00', '+55', '123', '1234567', '00000000000', 'Ana'],
    ...['31 98888-000A', '(31) 98888-0001 ramal 12', '31988880001 ext. 3', '31988880001;ext=3', 'tel:+5531988880001'],
    ...['31 98888-0001 📞', '3️⃣1988880001', '３１９８８８８０００１', '٣١٩٨٨٨٨٠٠٠١', '31988880001\u0000', '\ud83d'],
    ...['319888800012', '553198888000123', '(31) 98888-0001 / (31) 3222-0001', '31_988880001', '31*98888#0001'],
    ...['+31 98888-0001', '+99 912 345 678', '+1 123', '+44 1', '0021 1 212 555 0123', '351912345678'],
    ...['+49 30 123456789012', '+49 30 1234567890123'],
    ...['9'.repeat(33), '9'.repeat(100_000), `+${'('.repeat(100_000)}`],
  ];
  for (const input of refused) t.equal(refusalOf(input), 'phone_invalid', JSON.stringify(input.slice(0, 40)));
});

t.test('a refusal shows at most 32 characters of what was sent, whole ones', async (t) => {
  const problem = problemOf('📞'.repeat(50));
  t.equal(problem.occurrence.params?.input, `${'📞'.repeat(32)}…`);
  t.match(problem.violations[0]?.detail.en, /Leave extensions out/);
});

t.test('search: a fragment finds a number with or without mask, country code, trunk 0 or ninth digit', async (t) => {
  const stored = phoneSearchText('+5531988880001');
  t.equal(stored, '5531988880001 553188880001');
  const found = [
    ...['98888-0001', '8888-0001', '(31) 98888', '(31) 8888-0001', '31988880001', '3188880001', '+55 31 98888-0001'],
    ...['+55 31 8888', '031 98888', '0 21 31 98888-0001', '0 21 31 8888-0001', '00 55 31 98888-0001', '00 55 31'],
    ...['0001', '80001', '001', '0', '55', '98888\u20110001'],
  ];
  for (const search of found) {
    const digits = searchDigits(search);
    t.ok(digits !== '' && stored.includes(digits), `${search} as ${digits}`);
  }
  for (const search of ['98888-0002', '3298888', '0001 55']) t.notOk(stored.includes(searchDigits(search)), search);
});

t.test('search: what is not a number has no digits to look for', async (t) => {
  for (const search of ['', 'Ana', 'Loja 24', '()', '+', '📞 31', '%', '_']) t.equal(searchDigits(search), '', search);
});

t.test('search: other lines', async (t) => {
  t.equal(phoneSearchText('+553132220001'), '553132220001');
  t.equal(
    phoneSearchText('+5511940040001'),
    '5511940040001 551140040001',
    'found without its ninth digit all the same',
  );
  t.equal(phoneSearchText('+525512345678'), '525512345678 5215512345678');
  t.ok(phoneSearchText('+558001234567').includes(searchDigits('0800 123 4567')));
});

function problemOf(input: string): Problem {
  try {
    read(input);
  } catch (error) {
    if (error instanceof Problem) return error;
  }
  throw new Error(`${input} was not refused`);
}
