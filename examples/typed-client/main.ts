import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { chooseChannel, chooseTeam, chooseTemplate, fillSlots, type Wishes } from './choose.ts';
import { type Api, connect, Refused, type Schemas, take } from './client.ts';

/** The main job from end to end: look a number up, start an attendance, read what became of it, close it. */
async function run(api: Api, wishes: Wishes, person: { phone: string; name: string }): Promise<void> {
  const contact = await findOrCreateContact(api, person);
  const channel = await chooseChannel(api, wishes);
  say('channel', `${channel.name}: ${channel.type}, ${channel.status}`);
  const team = await chooseTeam(api, channel.id, wishes);
  say('team', team.name);
  const body: Schemas['StartAttendance'] = {
    contact: { id: contact.id },
    channel_id: channel.id,
    team_id: team.id,
    ...(channel.type === 'official'
      ? { template: await prepareTemplate(api, channel.id, wishes, person.name) }
      : { text: `Olá, ${person.name}!` }),
  };
  await rehearse(api, body);
  const attendance = await start(api, body);
  if (!attendance) return;
  await showMessages(api, attendance.id);
  await close(api, attendance.id);
}

async function findOrCreateContact(
  api: Api,
  { phone, name }: { phone: string; name: string },
): Promise<{ id: string }> {
  const found = take(await api.GET('/v1/contacts/lookup', { params: { query: { phone } } }));
  const [known] = found.contacts;
  say('lookup', `${found.phone.e164}, ${found.phone.kind}: ${known ? 'a contact has it' : 'nobody has it'}`);
  if (known) {
    say('contact', `found ${known.name ?? 'without a name'}`);
    return known;
  }
  const answer = await api.POST('/v1/contacts', { body: { phone, name } });
  if (answer.error?.code === 'contact_exists') {
    // Somebody else was faster: the problem names the contact.
    say('contact', 'made by somebody else in between');
    return { id: answer.error.contact_id };
  }
  const created = take(answer);
  say('contact', `created ${created.name ?? 'without a name'}`);
  return created;
}

async function prepareTemplate(api: Api, channel_id: string, wishes: Wishes, name: string) {
  const { id, name: called, language, slots } = await chooseTemplate(api, channel_id, wishes);
  say('template', `${called} (${language}), slots: ${slots.map(({ key }) => key).join(', ') || 'none'}`);
  const parameters = fillSlots(slots, name);
  const answer = await api.POST('/v1/templates/{template_id}/preview', {
    params: { path: { template_id: id } },
    body: { parameters },
  });
  say('preview', quote(take(answer).rendered.body));
  return { id, parameters };
}

/** The same checks as the start's, all faults at once, nothing written. */
async function rehearse(api: Api, body: Schemas['StartAttendance']): Promise<void> {
  const answer = await api.POST('/v1/attendances', { params: { query: { dry_run: true } }, body });
  const found = take(answer);
  if (!('would_start' in found)) throw new Error('a dry run answered with an attendance');
  say('dry run', found.rendered ? `would send ${quote(found.rendered.body)}` : 'would start');
}

const most_tries = 3;

/** Starts once however often it has to be asked: every repeat carries the same key. Null when one is open already. */
async function start(api: Api, body: Schemas['StartAttendance']): Promise<Schemas['StartedAttendance'] | null> {
  const key = randomUUID();
  for (let tries = 1; ; tries += 1) {
    const answer = await api
      .POST('/v1/attendances', { params: { header: { 'Idempotency-Key': key, Prefer: 'wait=10' } }, body })
      // The connection broke or nothing came in time. Whether it started is unknown, and the key settles it.
      .catch((error: unknown) => {
        if (tries === most_tries) throw error;
        return null;
      });
    if (answer?.data && 'outcome' in answer.data) {
      const { status, first_message } = answer.data;
      say('start', `${status}, message ${first_message?.status ?? 'none'}${explain(first_message?.error)}`);
      return answer.data;
    }
    if (answer?.error?.code === 'attendance_already_open') {
      const { status, team, since } = answer.error.attendance;
      say('start', `one is ${status} since ${since}, with ${team?.name ?? 'no team'}: nothing was sent`);
      return null;
    }
    if (answer?.error && (!answer.error.retryable || tries === most_tries)) throw new Refused(answer.error);
    await delay(1000 * Number(answer?.response.headers.get('retry-after') ?? 1));
  }
}

const explain = (error?: Schemas['MessageError'] | null) => (error ? ` (${error.code}: ${error.detail})` : '');

async function showMessages(api: Api, attendance_id: string): Promise<void> {
  const path = { attendance_id };
  const { data } = take(await api.GET('/v1/attendances/{attendance_id}/messages', { params: { path } }));
  for (const { direction, type, status, text } of data) {
    say('message', `${direction} ${type}, ${status}: ${quote(text ?? '')}`);
  }
}

async function close(api: Api, attendance_id: string): Promise<void> {
  const params = { path: { attendance_id } };
  const answer = await api.POST('/v1/attendances/{attendance_id}/close', { params, body: { reason: 'example' } });
  if (answer.error?.code === 'message_in_doubt') {
    const { message_ids } = answer.error;
    say('close', `not yet: nobody can tell whether ${message_ids.length} of its messages went out`);
    return;
  }
  const { status, close_reason } = take(answer);
  say('close', `${status}, ${close_reason}`);
}

const quote = (text: string) => JSON.stringify(text);

function say(step: string, what: string): void {
  process.stdout.write(`${step.padEnd(9)} ${what}\n`);
}

const { CONVERSAR_URL: url = 'http://127.0.0.1:3000', CONVERSAR_API_KEY: key, ...env } = process.env;
if (!key) {
  process.stderr.write('Set CONVERSAR_API_KEY to a key of an account; `npm start` prints one of the demo.\n');
  process.exit(2);
}
try {
  const api = connect({ url, key, language: env.CONVERSAR_LANGUAGE ?? 'en' });
  const wishes = {
    channel_id: env.CONVERSAR_CHANNEL_ID,
    team_id: env.CONVERSAR_TEAM_ID,
    template: env.CONVERSAR_TEMPLATE,
  };
  await run(api, wishes, {
    phone: env.CONVERSAR_PHONE ?? '(31) 98888-0001',
    name: env.CONVERSAR_NAME ?? 'Ana',
  });
} catch (error) {
  if (!(error instanceof Refused)) throw error;
  const { status, code, detail, errors, request_id } = error.problem;
  process.stderr.write(`refused: ${status} ${code}: ${detail} (request ${request_id})\n`);
  for (const fault of errors) process.stderr.write(`  ${fault.pointer} ${fault.code}: ${fault.detail}\n`);
  process.exitCode = 1;
}
