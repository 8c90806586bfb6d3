import type { Test } from 'tap';
import { recordOutcomes } from '../../src/features/attendances/record-outcomes.ts';
import { type ClaimedMessage, claimMessages } from '../../src/features/messages/claim.repository.ts';
import type { WrittenOutcome } from '../../src/features/messages/dispatch.repository.ts';
import { type Body, type Client, type Company, eventually, type Service, untilServed } from './service.ts';

export const public_url = 'http://conversar.test';
/** The answer comes when the message has left. */
export const waiting = { prefer: 'wait=20' };

/** What tests of attendances ask of one company again and again. */
export function createDesk(service: Service, company: Company) {
  const { ctx, db } = service;
  let people = 0;
  /** A number of nobody else, which the simulator answers by its last four digits. */
  const nextPhone = (digits = '0001') => {
    people += 1;
    return `319${7000 + people}${digits}`;
  };
  const must = (reply: { status: number; body: Body; text: string }): Body => {
    if (reply.status >= 300) throw new Error(reply.text);
    return reply.body;
  };
  /** An attendance on the gateway, with a text unless said otherwise. */
  const start = async (over: Record<string, unknown> = {}, headers = {}): Promise<Body> =>
    must(
      await company.start(
        { contact: { phone: nextPhone() }, channel_id: company.unofficial_id, text: 'Olá!', ...over },
        headers,
      ),
    );
  /** The same on the official channel, with a template. */
  const startOfficial = async (over: Record<string, unknown> = {}, headers = {}): Promise<Body> =>
    must(await company.start({ contact: { phone: nextPhone() }, ...over }, headers));
  /** So that the next message to anybody is due at once. */
  const forgetPace = () => {
    const earlier = (column: string) => db.raw(`?? - interval '1 minute'`, [column]);
    return db('attempts').update({ started_at: earlier('started_at'), finished_at: earlier('finished_at') });
  };

  return {
    nextPhone,
    start,
    startOfficial,
    forgetPace,
    get: async (id: string): Promise<Body> => {
      const { timeline: _, ...attendance } = must(await company.get(`/v1/attendances/${id}`));
      return attendance;
    },
    getMessage: async (id: string): Promise<Body> => {
      const { timeline: _, ...message } = must(await company.get(`/v1/messages/${id}`));
      return message;
    },
    messagesOf: async (id: string): Promise<Body[]> =>
      must(await company.get(`/v1/attendances/${id}/messages?limit=100`)).data,
    sentTo: (phone: string) => service.received(`?to=55${phone}`),
    /** Claims until the message is among the claimed. */
    claim: async (message_id: string): Promise<ClaimedMessage> => {
      await forgetPace();
      const find = async () => (await claimMessages(ctx, 10, 60_000)).claimed.find(({ id }) => id === message_id);
      const message = await eventually(find, (found) => found !== undefined);
      return message as ClaimedMessage;
    },
    record: (...written: WrittenOutcome[]) =>
      recordOutcomes(ctx, public_url, { written, learned: [], channel_news: [] }),
  };
}

/** Rows of an attendance's events, in its order. */
export const eventsOf = ({ db }: Pick<Service, 'db'>, attendance_id: string): Promise<Body[]> =>
  db('events').where({ attendance_id }).orderBy('attendance_sequence').select('*') as unknown as Promise<Body[]>;

/** Holds that exactly these events were told of the attendance, numbered from 1 without a gap; answers the rows. */
export async function assertTold(
  t: Test,
  service: Pick<Service, 'db'>,
  attendance_id: string,
  types: string[],
): Promise<Body[]> {
  const events = await eventsOf(service, attendance_id);
  t.same(
    events.map(({ type, attendance_sequence }) => `${attendance_sequence} ${type}`),
    types.map((type, place) => `${place + 1} ${type}`),
    'told in sequence',
  );
  return events;
}

/** Asks the same `count` times at once under one key. */
export const twins = (client: Client, count: number, url: string, body: unknown, key: string) =>
  Promise.all(
    Array.from({ length: count }, () => untilServed(() => client.post(url, body, { 'idempotency-key': key }))),
  );
