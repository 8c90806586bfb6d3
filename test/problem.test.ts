import t from 'tap';
import { defineProblem, Problem, say } from '../src/problem.ts';

const full = defineProblem({
  code: 'jar_full',
  status: 409,
  title: { en: 'The jar is full', pt: 'O pote está cheio' },
  detail: { en: 'The jar {name} holds {count}.', pt: 'O pote {name} tem {count}.' },
});

t.test('a declared refusal carries what is known of one occurrence, in both languages', (t) => {
  const problem = full({ pointer: '/jar', params: { name: 'A', count: 3 }, extra: { jar: 1 } });
  t.ok(problem instanceof Problem);
  t.ok(problem instanceof Error);
  t.match(problem, { name: 'Problem', message: 'jar_full', kind: { code: 'jar_full', status: 409 } });
  t.same(problem.detail, { en: 'The jar A holds 3.', pt: 'O pote A tem 3.' });
  t.end();
});

t.test('is retryable where that is declared, and not else', (t) => {
  t.equal(full.kind.retryable, false);
  t.equal(defineProblem({ ...full.kind, retryable: true, retry_after_s: 2 }).kind.retryable, true);
  t.end();
});

t.test('its violations are its own list, else itself at its pointer, else none', (t) => {
  const detail = { en: 'No.', pt: 'Não.' };
  t.same(full().violations, []);
  t.same(full({ pointer: '' }).violations, [{ pointer: '', code: 'jar_full', detail: full().detail }]);
  const errors = [{ pointer: '/a', code: 'b', detail }];
  t.same(full({ pointer: '/jar', errors }).violations, errors);
  t.end();
});

t.test('an unknown or null parameter becomes an empty string, and a value is never read for further ones', (t) => {
  t.same(say({ en: '{a}|{b}|{c}', pt: '{c}' }, { a: '{b}', b: null, c: 0 }), { en: '{b}||0', pt: '0' });
  t.same(say({ en: '{x}', pt: '$& {x}' }, { x: '$&' }), { en: '$&', pt: '$& $&' });
  t.same(say({ en: '{x} { y }', pt: '' }), { en: ' { y }', pt: '' });
  t.end();
});
