import type { Demo } from './demo.ts';

/** The curl lines, ready to paste. */
export function describeDemo(demo: Demo, public_url: string): string {
  const curl = (body: unknown) =>
    [
      `curl -s ${public_url}/v1/attendances \\`,
      `  -H 'authorization: Bearer ${demo.api_key}' -H 'content-type: application/json' -H 'prefer: wait=10' \\`,
      `  -d '${JSON.stringify(body)}'`,
    ].join('\n');
  const template = {
    name: 'retomar_atendimento',
    language: 'pt_BR',
    parameters: { 'body.1': 'Ana', 'body.2': '8841' },
  };
  const [team_id] = demo.team_ids;
  return `
Demo account
  API key    ${demo.api_key}
  teams      ${demo.team_ids.join(' ')}
  official   ${demo.official_channel_id}
  unofficial ${demo.unofficial_channel_id}
  simulator  ${demo.simulator_url}  (what arrived: ${demo.simulator_url}/_received)

Start an attendance on the official channel:

${curl({ contact: { phone: '(31) 98888-0001', name: 'Ana' }, channel_id: demo.official_channel_id, team_id, template })}

Start one on the unofficial channel:

${curl({ contact: { phone: '(31) 98888-0002', name: 'Bia' }, channel_id: demo.unofficial_channel_id, team_id, text: 'Olá!' })}

Let a person write first (simulated; "to": "evolution" writes to the gateway):

curl -s ${demo.simulator_url}/_persons/5531988880003/messages \\
  -H 'content-type: application/json' \\
  -d '${JSON.stringify({ name: 'Caio', text: 'Oi! Quero um orçamento.' })}'
`;
}
