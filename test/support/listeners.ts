import type { Receiver } from './receiver.ts';
import { type Body, type Client, eventually, type Service } from './service.ts';

/** The body of what must not be refused. */
export const must = async (asked: ReturnType<Client['post']>): Promise<Body> => {
  const { status, body, text } = await asked;
  if (status >= 300) throw new Error(text);
  return body;
};

export const endpoints_path = '/v1/webhook-endpoints';

/** Accounts with one endpoint each at `crm`, so that no case hears of another's events. */
export function createListeners(service: Service, crm: Receiver) {
  let last = 0;
  const listen = async (script?: Parameters<Receiver['answer']>[1], over: Record<string, unknown> = {}) => {
    const client = await service.createClient();
    last += 1;
    const path = `/crm-${last}`;
    if (script !== undefined) crm.answer(path, script);
    const { secret, ...endpoint } = await must(client.post(endpoints_path, { url: `${crm.url}${path}`, ...over }));
    const url = `${endpoints_path}/${endpoint.id}`;
    return {
      client,
      path,
      url,
      secret: secret as string,
      id: endpoint.id as string,
      read: async () => must(client.get(url)),
      deliveries: async () => (await must(client.get(`${url}/deliveries?limit=100`))).data as Body[],
      calls: () => crm.callsOf(path),
    };
  };
  type Listener = Awaited<ReturnType<typeof listen>>;
  let contacts = 0;
  return {
    listen,
    /** One event, `contact.created`; returns the contact. */
    happen: (client: Client): Promise<Body> => {
      contacts += 1;
      const phone = `319${String(80_000_000 + contacts)}`;
      return must(client.post('/v1/contacts', { phone, name: `Ana ${contacts}` }));
    },
    called: ({ calls }: Listener, count: number) =>
      eventually(
        async () => calls(),
        (all) => all.length >= count,
      ),
  };
}
