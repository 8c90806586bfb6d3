import type { RouteOptions } from 'fastify';
import { defineProblem } from '../problem.ts';
import { scopeOf } from './authenticate.ts';

/** How many of one account ask somebody outside at once, in one process. */
const most_at_once = 8;

export const too_many_calls = defineProblem({
  code: 'too_many_calls',
  status: 429,
  retryable: true,
  retry_after_s: 2,
  title: { en: 'Too many calls at once', pt: 'Chamadas demais ao mesmo tempo' },
  detail: {
    en: 'This asks somebody outside and waits for the answer; {most} of this account do so already, which is all that it may at once. Nothing was done.',
    pt: 'Isto consulta alguém de fora e espera a resposta; {most} desta conta já fazem isso, o máximo permitido ao mesmo tempo. Nada foi feito.',
  },
  example: { params: { most: most_at_once } },
});

/**
 * For the hook `onRoute`: routes with `asks_outside` run at most 8 at a time for one account, or throw `too_many_calls`. They hold a
 * connection that dispatch needs, too, until the outside has answered, whether their caller still waits or not.
 */
export function gateOutside() {
  const asking = new Map<string, number>();
  return (route: RouteOptions): void => {
    if (!route.config?.asks_outside) return;
    const { handler } = route;
    route.handler = async function (request, reply) {
      const { account_id } = scopeOf(request);
      const count = asking.get(account_id) ?? 0;
      if (count >= most_at_once) throw too_many_calls({ params: { most: most_at_once } });
      asking.set(account_id, count + 1);
      try {
        return await handler.call(this, request, reply);
      } finally {
        const left = (asking.get(account_id) ?? 1) - 1;
        if (left > 0) asking.set(account_id, left);
        else asking.delete(account_id);
      }
    };
  };
}
