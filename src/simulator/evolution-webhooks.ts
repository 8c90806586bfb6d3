import { createHash, randomBytes } from 'node:crypto';
import { type Aftermath, type Step, timedSteps } from './aftermath.ts';
import { isMembers, type Members } from './json.ts';
import type { People, Person } from './people.ts';
import { default_text, media_types, type PersonMessage } from './person-message.ts';
import type { Delivery, Plan } from './webhooks.ts';
import { company_number } from './whatsapp-number.ts';

/** A text that Evolution accepted. */
export interface EvolutionSent {
  instance: string;
  /** `key.id`. */
  id: string;
  /** Where it went. */
  jid: string;
  text: string;
}

/** The bare id of a message: of one sent by the API, or of one written on a phone. */
export function newEvolutionId(origin: 'api' | 'phone'): string {
  return `${origin === 'api' ? '3EB0' : '3A'}${randomBytes(9).toString('hex').toUpperCase()}`;
}

/** Evolution's envelope around `data`; a value that is such an envelope already goes out as it is. */
export function evolutionDelivery(instance: string, event: string, about: string, data: unknown): Delivery {
  const is_whole = isMembers(data) && data.event !== undefined && data.data !== undefined;
  return {
    protocol: 'evolution',
    channel: instance,
    event,
    about,
    render: (target, spoil) => {
      const body = {
        event,
        instance,
        data,
        destination: target.url,
        // As the real one: local time with a Z behind it.
        date_time: new Date(Date.now() - new Date().getTimezoneOffset() * 60_000).toISOString(),
        sender: `${company_number}@s.whatsapp.net`,
        server_url: 'http://evolution.simulator.example',
        apikey: null,
      };
      const registered = Object.entries(target.headers).map(([name, value]) => [name.toLowerCase(), value]);
      const wrong = registered.map(([name]) => [name, 'wrong']);
      return {
        body: JSON.stringify(is_whole ? data : body),
        headers: {
          ...Object.fromEntries(spoil === 'badly_signed' ? wrong : registered),
          'content-type': 'application/json',
          'user-agent': 'axios/1.7.9',
        },
      };
    },
  };
}

/** `messages.upsert` with what a person wrote. */
export function evolutionMessage(instance: string, person: Person, id: string, message: PersonMessage): Delivery {
  const jid = person.wa_id === null ? String(person.lid) : `${person.wa_id}@s.whatsapp.net`;
  const alternative = person.wa_id === null || person.lid === null ? {} : { remoteJidAlt: person.lid };
  const content = contentOf(id, message);
  const [type = 'conversation'] = Object.keys(content);
  return evolutionDelivery(instance, 'messages.upsert', 'message', {
    key: { remoteJid: jid, ...alternative, fromMe: false, id, participant: '', addressingMode: 'lid' },
    pushName: person.name,
    status: 'DELIVERY_ACK',
    message: content,
    messageType: type,
    messageTimestamp: Math.floor(message.at.getTime() / 1000),
    instanceId: instanceId(instance),
    source: 'android',
    contextInfo: message.reply_to === undefined ? null : { stanzaId: message.reply_to, participant: jid },
  });
}

/** The echo of the send, what becomes of it, and what its recipient does. */
export function evolutionAftermath(people: People, sent: EvolutionSent, aftermath: Aftermath, apart_ms: number): Plan {
  const person = people.find(sent.jid.replace(/@s\.whatsapp\.net$/, ''));
  const { steps, ...how } = aftermath;
  const followers = timedSteps(steps, apart_ms).flatMap(({ step, at }) => deliveriesOf(sent, person, step, at));
  return { ...how, deliveries: [echoOf(sent), ...followers] };
}

const acks = { sent: 'SERVER_ACK', delivered: 'DELIVERY_ACK', read: 'READ' } as const;

function deliveriesOf(sent: EvolutionSent, person: Person, step: Step, at: Date): Delivery[] {
  switch (step.kind) {
    case 'facts':
      return step.facts.map((fact) => updateOf(sent, acks[fact], fact));
    case 'failed':
      return [updateOf(sent, 'ERROR', 'failed')];
    case 'reply':
      return [evolutionMessage(sent.instance, person, newEvolutionId('phone'), { type: step.type, at })];
    case 'opt_out':
    case 'number_change':
      return [];
  }
}

function echoOf({ instance, id, jid, text }: EvolutionSent): Delivery {
  return evolutionDelivery(instance, 'send.message', 'echo', {
    key: { remoteJid: jid, fromMe: true, id },
    pushName: 'Você',
    status: 'PENDING',
    message: { conversation: text },
    contextInfo: null,
    messageType: 'conversation',
    messageTimestamp: Math.floor(Date.now() / 1000),
    instanceId: instanceId(instance),
    source: 'web',
  });
}

function updateOf({ instance, id, jid }: EvolutionSent, status: string, about: string): Delivery {
  const database_id = `cm${createHash('sha256').update(id).digest('hex').slice(0, 23)}`;
  return evolutionDelivery(instance, 'messages.update', about, {
    messageId: database_id,
    keyId: id,
    remoteJid: jid,
    fromMe: true,
    status,
    instanceId: instanceId(instance),
  });
}

function contentOf(id: string, { type, text, reply_to }: PersonMessage): Members {
  switch (type) {
    case 'text':
      return reply_to === undefined
        ? { conversation: text ?? default_text }
        : { extendedTextMessage: { text: text ?? default_text } };
    case 'image':
    case 'video':
      return { [`${type}Message`]: { ...mediaOf(id, type), caption: text ?? 'Segue a foto' } };
    case 'audio':
      return { audioMessage: { ...mediaOf(id, type), ptt: true } };
    case 'document':
      return { documentMessage: { ...mediaOf(id, type), fileName: 'pedido.pdf', caption: text ?? '' } };
    case 'sticker':
      return { stickerMessage: mediaOf(id, type) };
    case 'location':
      return {
        locationMessage: { degreesLatitude: -19.9245, degreesLongitude: -43.9352, name: text ?? 'Praça da Liberdade' },
      };
    case 'contacts':
      return { contactMessage: { displayName: text ?? 'Bia', vcard: 'BEGIN:VCARD\nVERSION:3.0\nFN:Bia\nEND:VCARD' } };
    case 'button':
      return {
        buttonsResponseMessage: { selectedButtonId: text ?? 'Sim', selectedDisplayText: text ?? 'Sim', type: 1 },
      };
    case 'reaction':
      return { reactionMessage: { key: { fromMe: true, id: reply_to ?? id }, text: text ?? '👍' } };
  }
}

function mediaOf(id: string, type: keyof typeof media_types): Members {
  const hash = createHash('sha256').update(id).digest();
  const fileSha256 = hash.toString('base64');
  return {
    url: `https://mmg.whatsapp.net/v/${hash.toString('hex', 0, 8)}`,
    mimetype: media_types[type],
    fileSha256,
    fileLength: '20480',
    mediaKey: fileSha256,
  };
}

/** The same at every start, another for every instance. */
export function instanceId(instance: string): string {
  const hex = createHash('sha256').update(instance).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
