import { readFile } from 'node:fs/promises';
import t from 'tap';
import type { Document } from './support/document.ts';
import { type Break, findBreaks } from './support/find-breaks.ts';

const read = async (name: string) =>
  JSON.parse(await readFile(new URL(`../openapi/${name}.json`, import.meta.url), 'utf8')) as Document;
const released = await read('released');
const present = await read('openapi');

/** What may differ from the last release although a rule says no, and why nobody stumbles over it. */
const excused = [
  {
    rule: 'no longer promised',
    place: /^POST \/v1\/attendances 200\//,
    why: 'Only the new ?dry_run=true is answered with DryRunStart; without it all members come as before.',
  },
  {
    rule: 'bound tightened',
    place: /^POST \/v1\/channels body\/credentials\/verify_token m(in|ax)Length$/,
    why: 'Until now it was taken and used by nothing; now it is what the channel shows, in a path as well.',
  },
  {
    rule: 'bound tightened',
    place: /(created_after|created_before|expires_at) pattern$/,
    why: 'The year 0 was refused before as well; now the document says so.',
  },
  {
    rule: 'header removed',
    place: / (410|413|415) Idempotent-Replayed$/,
    why: 'It never came there: these are not kept for a repeat.',
  },
];
const excusesFor = ({ rule, place }: Break) => excused.filter((one) => one.rule === rule && one.place.test(place));

t.test('whoever was made for the last released document can work with the present one', async (t) => {
  const breaks = findBreaks(released, present);
  t.same(
    breaks.filter((one) => excusesFor(one).length === 0),
    [],
  );
  for (const one of excused)
    t.ok(
      breaks.some((found) => excusesFor(found).includes(one)),
      `still needed: ${one.why}`,
    );
});

// biome-ignore lint/suspicious/noExplicitAny: a plant reaches into the document wherever it wants
type Loose = any;

/** What is found after `plant` has changed a copy of the document. */
function findPlanted(plant: (document: Loose) => void): string[] {
  const changed = structuredClone(present);
  plant(changed);
  return findBreaks(present, changed).map(({ rule, place }) => `${rule}: ${place}`);
}

const schemasOf = (document: Loose) => document.components.schemas;
const optional = (name: string) => ({ name, in: 'query', schema: { type: 'string' } });

const plants: [found: string, plant: (document: Loose) => void][] = [
  ['path removed: /v1/teams', ({ paths }) => delete paths['/v1/teams']],
  ['method removed: POST /v1/teams', ({ paths }) => delete paths['/v1/teams'].post],
  [
    'operation renamed: POST /v1/teams',
    ({ paths }) => {
      paths['/v1/teams'].post.operationId = 'makeTeam';
    },
  ],
  [
    'scope changed: POST /v1/teams',
    ({ paths }) => {
      paths['/v1/teams'].post.security = [{ api_key: ['teams:admin'] }];
    },
  ],
  [
    'schema removed: DryRunStart',
    (document) => Object.assign(document, JSON.parse(JSON.stringify(document).replaceAll('DryRunStart', 'Rehearsal'))),
  ],
  ['parameter removed: GET /v1/teams query limit', ({ paths }) => paths['/v1/teams'].get.parameters.shift()],
  ['status removed: POST /v1/teams 201', ({ paths }) => delete paths['/v1/teams'].post.responses[201]],
  [
    'header removed: POST /v1/teams 201 Location',
    ({ paths }) => delete paths['/v1/teams'].post.responses[201].headers.Location,
  ],
  [
    'answer removed: GET /v1/teams 200 application/json',
    ({ paths }) => delete paths['/v1/teams'].get.responses[200].content['application/json'],
  ],
  [
    'body removed: POST /v1/teams body application/json',
    ({ paths }) => delete paths['/v1/teams'].post.requestBody.content['application/json'],
  ],
  [
    'member removed: GET /v1/contacts/{contact_id} 200/email',
    (document) => delete schemasOf(document).Contact.properties.email,
  ],
  [
    'member removed: POST /v1/contacts body/email',
    (document) => delete schemasOf(document).NewContact.properties.email,
  ],
  [
    'member removed: POST /v1/channels body/max_per_second',
    (document) => delete schemasOf(document).NewEvolutionChannel.properties.max_per_second,
  ],
  [
    'member removed: POST /v1/attendances 409/attendance',
    ({ paths }) => paths['/v1/attendances'].post.responses[409].content['application/problem+json'].schema.allOf.pop(),
  ],
  ['no longer promised: GET /v1/contacts 200/data/0/id', (document) => schemasOf(document).Contact.required.shift()],
  [
    'answer value removed: GET /v1/attendances/{attendance_id} 200/status starting',
    (document) => schemasOf(document).AttendanceDetail.properties.status.enum.shift(),
  ],
  [
    'answer value removed: POST /v1/teams 409/code idempotency_in_progress',
    ({ paths }) => {
      const { schema } = paths['/v1/teams'].post.responses[409].content['application/problem+json'];
      schema.allOf[1].properties.code.enum.shift();
    },
  ],
  [
    'type changed: GET /v1/contacts/{contact_id} 200/created_at',
    (document) => {
      schemasOf(document).Contact.properties.created_at = { type: 'integer' };
    },
  ],
  [
    'type changed: GET /v1/contacts/{contact_id} 200/id',
    (document) => delete schemasOf(document).Contact.properties.id.format,
  ],
  [
    'type changed: GET /v1/channels/{channel_id} 200/name',
    (document) => {
      schemasOf(document).Channel.properties.name.type = ['string', 'null'];
    },
  ],
  [
    'type changed: POST /v1/contacts body/phone',
    (document) => {
      schemasOf(document).NewContact.properties.phone = { type: 'integer' };
    },
  ],
  [
    'type changed: POST /v1/contacts body/email',
    (document) => {
      schemasOf(document).NewContact.properties.email.type = 'string';
    },
  ],
  ['newly required: POST /v1/contacts body/name', (document) => schemasOf(document).NewContact.required.push('name')],
  [
    'newly required: POST /v1/contacts header idempotency-key',
    ({ components }) => {
      components.parameters.IdempotencyKey.required = true;
    },
  ],
  [
    'newly required: GET /v1/teams query kind',
    ({ paths }) => paths['/v1/teams'].get.parameters.push({ ...optional('kind'), required: true }),
  ],
  [
    'newly required: POST /v1/attendances/{attendance_id}/close body',
    ({ paths }) => {
      paths['/v1/attendances/{attendance_id}/close'].post.requestBody.required = true;
    },
  ],
  [
    'request value removed: POST /v1/attendances body/on_open reject',
    (document) => schemasOf(document).StartAttendance.properties.on_open.enum.shift(),
  ],
  [
    'request value removed: POST /v1/contacts body/name',
    (document) => {
      schemasOf(document).NewContact.properties.name.enum = ['Ana', null];
    },
  ],
  [
    'request value removed: POST /v1/channels body/provider evolution',
    (document) => schemasOf(document).NewChannel.oneOf.splice(1, 1),
  ],
  [
    'bound tightened: POST /v1/contacts body/phone maxLength',
    (document) => {
      schemasOf(document).NewContact.properties.phone.maxLength = 16;
    },
  ],
  [
    'bound tightened: GET /v1/teams query limit minimum',
    ({ paths }) => {
      paths['/v1/teams'].get.parameters[0].schema.minimum = 10;
    },
  ],
  [
    'bound tightened: POST /v1/attendances body/text pattern',
    (document) => {
      schemasOf(document).StartAttendance.properties.text.pattern = '^\\S+$';
    },
  ],
  [
    'bound tightened: POST /v1/contacts body/metadata',
    (document) => {
      schemasOf(document).NewContact.properties.metadata.additionalProperties = false;
    },
  ],
];

t.test('each promise that is broken is found, with its place', async (t) => {
  for (const [expected, plant] of plants) {
    const found = findPlanted(plant);
    t.ok(found.includes(expected), `${expected}, in: ${found.slice(0, 5).join(' | ')}`);
  }
});

t.test('what is added breaks nothing', async (t) => {
  const found = findPlanted((document) => {
    const { paths } = document;
    const { Contact, NewContact, StartAttendance, AttendanceDetail } = schemasOf(document);
    paths['/v1/things'] = paths['/v1/teams'];
    paths['/v1/teams'].get.parameters.push(optional('kind'));
    paths['/v1/teams'].get.responses[202] = paths['/v1/teams'].get.responses[200];
    schemasOf(document).Thing = Contact;
    Contact.properties.nickname = { type: 'string' };
    Contact.required.push('nickname');
    NewContact.properties.nickname = { type: 'string' };
    NewContact.properties.phone.maxLength = 64;
    delete NewContact.properties.name.minLength;
    StartAttendance.properties.on_open.enum.push('ask');
    AttendanceDetail.properties.status.enum.push('paused');
    const { schema } = paths['/v1/teams'].post.responses[409].content['application/problem+json'];
    schema.allOf[1].properties.code.enum.push('team_too_many');
    schemasOf(document).NewMessage.anyOf.push({ type: 'object', properties: { media: { type: 'string' } } });
  });
  t.same(found, []);
});
