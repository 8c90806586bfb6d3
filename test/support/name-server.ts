import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { Test } from 'tap';

/** Addresses, none although there is the name, no such name, a fault, or not a word. */
type Answer = string[] | 'no_name' | 'fault' | 'silence';

const types: Record<number, 'A' | 'AAAA'> = { 1: 'A', 28: 'AAAA' };
const codes = { fault: 2, no_name: 3 };

/**
 * A name server on loopback. `zone` says for a name what it answers to `A` and to `AAAA`; of others it says that there is no
 * such name. `asked` are the names of all questions, oldest first.
 */
export async function startNameServer(t: Test, zone: Record<string, { A: Answer; AAAA: Answer }>) {
  const asked: string[] = [];
  const socket = createSocket('udp4');
  socket.on('message', (query, { address, port }) => {
    const { name, type, end } = readQuestion(query);
    asked.push(name);
    const kind = types[type];
    const answer = (kind && zone[name]?.[kind]) ?? 'no_name';
    if (answer !== 'silence') socket.send(compose(query, end, type, answer), port, address);
    socket.emit('asked');
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.teardown(() => socket.close());
  return {
    address: `127.0.0.1:${socket.address().port}`,
    asked,
    heard: async (count: number) => {
      while (asked.length < count) await once(socket, 'asked');
    },
  };
}

function readQuestion(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.'), type: query.readUInt16BE(at + 1), end: at + 5 };
}

function compose(query: Buffer, end: number, type: number, answer: Exclude<Answer, 'silence'>): Buffer {
  const addresses = Array.isArray(answer) ? answer : [];
  const header = Buffer.alloc(12);
  query.copy(header, 0, 0, 2);
  header.writeUInt16BE(0x8180 | (Array.isArray(answer) ? 0 : codes[answer]), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(addresses.length, 6);
  const records = addresses.map((address) => {
    const data = type === 1 ? Buffer.from(address.split('.').map(Number)) : ipv6(address);
    const record = Buffer.alloc(12);
    // The name of the question, this type, IN, one minute.
    record.writeUInt16BE(0xc00c, 0);
    record.writeUInt16BE(type, 2);
    record.writeUInt16BE(1, 4);
    record.writeUInt32BE(60, 6);
    record.writeUInt16BE(data.length, 10);
    return Buffer.concat([record, data]);
  });
  return Buffer.concat([header, query.subarray(12, end), ...records]);
}

/** All eight groups written out. */
function ipv6(address: string): Buffer {
  return Buffer.from(
    address.split(':').flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]),
  );
}
