import { demo_values } from '../../src/simulator/demo-values.ts';
import type { Client } from './service.ts';

let channels = 0;

/** One channel more for an account: on the simulator with its credentials, templates synced where there are any. */
export async function addChannel(
  owner: Client,
  simulator_url: string,
  over: { provider?: 'whatsapp_cloud' | 'evolution'; max_per_second?: number; base_url?: string } = {},
): Promise<string> {
  channels += 1;
  const provider = over.provider ?? 'evolution';
  const is_graph = provider === 'whatsapp_cloud';
  const { status, body, text } = await owner.post('/v1/channels', {
    name: `Canal ${channels}`,
    base_url: `${simulator_url}/${is_graph ? 'graph' : 'evolution'}`,
    max_per_second: 100,
    credentials: is_graph ? demo_values.graph : demo_values.evolution,
    ...over,
    provider,
  });
  if (status !== 201) throw new Error(text);
  if (is_graph) await owner.post(`/v1/channels/${body.id}/templates/sync`);
  return String(body.id);
}
