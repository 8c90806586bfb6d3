import { createHmac } from 'node:crypto';
import { demo_values } from '../../src/simulator/demo-values.ts';
import type { Company, Reply, Service } from './service.ts';
import { eventually } from './service.ts';

/** Non-ASCII as Meta writes it. */
export const onTheWire = (value: unknown): string =>
  JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

export const signatureOf = (body: string, secret: string = demo_values.graph.app_secret): string =>
  `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;

let last = 0;
export const newId = (): string => {
  last += 1;
  return `wamid.TEST${String(last).padStart(8, '0')}`;
};

interface Written {
  id?: string;
  text?: string;
  name?: string;
  /** Seconds. */
  at?: number;
  user_id?: string;
  more?: Record<string, unknown>;
}

const seconds = () => Math.floor(Date.now() / 1000);

/** What providers call in for one company's two channels. */
export function createInbound(service: Service, company: Company) {
  const deliver = (value: unknown, field = 'messages', headers: Record<string, string> = {}): Promise<Reply> =>
    deliverAll([{ field, value }], headers);
  const deliverAll = async (changes: unknown[], headers: Record<string, string> = {}): Promise<Reply> => {
    const entry = { id: demo_values.graph.waba_id, time: seconds(), changes };
    const body = onTheWire({ object: 'whatsapp_business_account', entry: [entry] });
    return service.send(null, 'POST', `/v1/inbound/${company.official_id}`, body, {
      'content-type': 'application/json',
      'x-hub-signature-256': signatureOf(body),
      ...headers,
    });
  };
  const metadata = { display_phone_number: '5531988880000', phone_number_id: demo_values.graph.phone_number_id };
  /** A text of a person; `wa_id` digits, null for one who hides the number. */
  const write = (
    wa_id: string | null,
    { id = newId(), text = 'Oi', name = 'Ana', at = seconds(), user_id, more = {} }: Written = {},
  ) => {
    const person = { ...(wa_id ? { wa_id } : {}), ...(user_id ? { user_id } : {}), profile: { name } };
    const from = { ...(wa_id ? { from: wa_id } : {}), ...(user_id ? { from_user_id: user_id } : {}) };
    const message = { ...from, id, timestamp: String(at), type: 'text', text: { body: text }, ...more };
    return deliver({ messaging_product: 'whatsapp', metadata, contacts: [person], messages: [message] });
  };
  const report = (status: Record<string, unknown>) =>
    deliver({ messaging_product: 'whatsapp', metadata, statuses: [{ timestamp: String(seconds()), ...status }] });
  const gateway = async (event: string, data: unknown, headers?: Record<string, string>): Promise<Reply> => {
    const { body: channel } = await company.get(`/v1/channels/${company.unofficial_id}`);
    const body = { event, instance: demo_values.evolution.instance, data, apikey: null };
    const token = { 'x-conversar-token': channel.webhook.verify_token };
    return service.send(null, 'POST', `/v1/inbound/${company.unofficial_id}`, body, headers ?? token);
  };
  const waiting = async (table: 'inbound_bodies' | 'inbound_items') =>
    (await service.db(table).select('state')).filter(({ state }) => state !== 'quarantined');
  const none = (left: unknown[]) => left.length === 0;
  /** Resolves when every body is expanded; items of it may wait for another try. */
  const taken = () => eventually(() => waiting('inbound_bodies'), none);
  /** Resolves when nothing that came in waits any more. */
  const expanded = async () => {
    await taken();
    await eventually(() => waiting('inbound_items'), none);
  };
  return { deliver, deliverAll, write, report, gateway, taken, expanded, metadata };
}
