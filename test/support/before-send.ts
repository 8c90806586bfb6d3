import type { ProviderFixtures } from './provider-fixtures.ts';
import type { Reaction, ScriptedServer } from './scripted-server.ts';

/** The script of a send: what is asked first is answered so that the message goes, and takes none of the answers. */
export function letThrough({ before_send }: ProviderFixtures, answers: Reaction[]): Reaction[] {
  if (!before_send) return answers;
  let left = answers;
  return [
    (socket, request) => {
      if (request.path.includes(before_send.path)) return before_send.answer(socket, request);
      const [reaction, ...rest] = left;
      if (rest.length > 0) left = rest;
      reaction?.(socket, request);
    },
  ];
}

/** How many messages were handed over. */
export function handedOver({ requests }: ScriptedServer, { before_send }: ProviderFixtures): number {
  return requests.filter(({ path }) => !before_send || !path.includes(before_send.path)).length;
}
