import { createSocket, type Socket } from 'node:dgram';

/** What is answered of a name. Addresses of both families, in one list; null: nothing at all. */
export type DnsAnswer = readonly string[] | 'nxdomain' | 'servfail' | 'garbage' | null;

export interface DnsServer {
  /** As a resolver is configured. */
  readonly address: string;
  readonly asked: readonly string[];
  close(): Promise<void>;
}

const A = 1;
const AAAA = 28;

/**
 * A resolver on this machine (RFC 1035, as much as is needed): answers as it is told, by name and family.
 * @param root what it answers of the root, whose name is empty
 */
export async function dnsServer(
  answerOf: (name: string, family: 4 | 6) => DnsAnswer,
  root: DnsAnswer = [],
): Promise<DnsServer> {
  const asked: string[] = [];
  const socket: Socket = createSocket('udp4');
  socket.on('message', (query, { port, address }) => {
    const { name, type, end } = questionOf(query);
    if (name !== '') asked.push(`${name} ${type === AAAA ? 'AAAA' : 'A'}`);
    const answer = name === '' ? root : answerOf(name, type === AAAA ? 6 : 4);
    if (answer === null) return;
    socket.send(answer === 'garbage' ? Buffer.from('no DNS') : replyTo(query, end, type, answer), port, address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${socket.address().port}`,
    asked,
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}

function questionOf(query: Buffer) {
  const labels: string[] = [];
  let at = 12;
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.'), type: query.readUInt16BE(at + 1), end: at + 5 };
}

function replyTo(query: Buffer, end: number, type: number, answer: Exclude<DnsAnswer, null | 'garbage'>): Buffer {
  const fits = (address: string): boolean => address.includes(':') === (type === AAAA);
  const addresses = typeof answer === 'string' ? [] : answer.filter(fits);
  const code = answer === 'nxdomain' ? 3 : answer === 'servfail' ? 2 : 0;
  const head = Buffer.alloc(12);
  query.copy(head, 0, 0, 2);
  head.writeUInt16BE(0x8180 | code, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(addresses.length, 6);
  return Buffer.concat([head, query.subarray(12, end), ...addresses.map(recordOf)]);
}

function recordOf(address: string): Buffer {
  const bytes = address.includes(':') ? bytesOfV6(address) : Buffer.from(address.split('.').map(Number));
  const record = Buffer.alloc(12);
  // The name of the question, by its place.
  record.writeUInt16BE(0xc00c, 0);
  record.writeUInt16BE(bytes.length === 4 ? A : AAAA, 2);
  record.writeUInt16BE(1, 4);
  record.writeUInt32BE(60, 6);
  record.writeUInt16BE(bytes.length, 10);
  return Buffer.concat([record, bytes]);
}

/** Eight groups, or with `::` before the last. */
function bytesOfV6(address: string): Buffer {
  const [before = '', after = ''] = address.split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const missing = 8 - groups(before).length - groups(after).length;
  const all = [...groups(before), ...Array.from({ length: missing }, () => '0'), ...groups(after)];
  const bytes = Buffer.alloc(16);
  for (const [index, group] of all.entries()) bytes.writeUInt16BE(Number.parseInt(group, 16), index * 2);
  return bytes;
}
