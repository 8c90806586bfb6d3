import type { Test } from 'tap';
import { provider_errors } from '../../src/providers/provider.ts';
import type { ProviderFixtures } from './provider-fixtures.ts';

/** No credential, and no word given beside, in what is stored and shown; every code has its sentences. */
export function expectDiscreet(
  t: Test,
  outcome: object,
  fixtures: ProviderFixtures,
  title: string,
  words: string[] = [],
): void {
  const told = JSON.stringify(outcome);
  // An instance's name is told by the gateway's own messages and opens nothing.
  const { instance: _, ...credentials } = fixtures.credentials;
  const found = [...Object.values(credentials), ...words].filter((word) => told.includes(word));
  t.same(found, [], `${title}: tells no secret`);
  const code = 'error' in outcome ? (outcome.error as { code: string }).code : null;
  if (code !== null) t.ok(Object.hasOwn(provider_errors, code), `${title}: ${code} is one of ours`);
}

/** The words of the message that every generic case sends. */
export function wordsOf({ message: { content, to } }: ProviderFixtures): string[] {
  const text = content.type === 'text' ? content.text : '';
  return [text, text.slice(0, 20), to.value.slice(1)];
}
