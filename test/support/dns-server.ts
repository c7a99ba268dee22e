import { createSocket } from 'node:dgram';
import { type LookupAddress, promises, type SrvRecord } from 'node:dns';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type Names, systemNames } from '../../src/endpoints/dns.js';

/** What the server says of a name. A name without an entry does not exist (NXDOMAIN). */
export interface DnsEntry {
  readonly A?: readonly string[];
  readonly AAAA?: readonly string[];
  readonly SRV?: readonly SrvRecord[];
  /** No answer at all. */
  readonly silent?: boolean;
}

const types = { A: 1, AAAA: 28, SRV: 33 } as const;

/** A DNS server on a port of this machine (RFC 1035, RFC 2782), over UDP, for what these tests ask. */
export interface DnsServer {
  /** By names in small letters; may be changed while it runs. */
  readonly entries: Map<string, DnsEntry>;
  /** The names that were asked for, in order. */
  readonly asked: string[];
  /** Asks this server alone: nothing of the machine's own names. */
  readonly names: Names;
  close(): Promise<void>;
}

export async function listenForDns(entries: Readonly<Record<string, DnsEntry>>): Promise<DnsServer> {
  const known = new Map(Object.entries(entries));
  const asked: string[] = [];
  const socket = createSocket('udp4');
  socket.on('message', (query, { address, port }) => {
    const { name, type, end } = questionOf(query);
    asked.push(name);
    const entry = known.get(name);
    if (!entry?.silent) socket.send(replyTo(query.subarray(0, end), type, entry), port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address() as AddressInfo;
  const close = async (): Promise<void> => {
    const closed = once(socket, 'close');
    socket.close();
    await closed;
  };
  return { entries: known, asked, names: namesAt(port), close };
}

function namesAt(port: number): Names {
  const resolver = (): promises.Resolver => {
    const made = new promises.Resolver();
    made.setServers([`127.0.0.1:${port}`]);
    return made;
  };
  const none = (error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENODATA') return [];
    throw error;
  };
  const addressesOf = async (name: string, family: 4 | 6 | 'any'): Promise<LookupAddress[]> => {
    const asked = resolver();
    const [four, six] = await Promise.all([
      family === 6 ? [] : asked.resolve4(name).catch(none),
      family === 4 ? [] : asked.resolve6(name).catch(none),
    ]);
    return [...four.map((address) => ({ address, family: 4 })), ...six.map((address) => ({ address, family: 6 }))];
  };
  return { ...systemNames(resolver), addressesOf };
}

function questionOf(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

function replyTo(question: Buffer, asked: number, entry: DnsEntry | undefined): Buffer {
  const answers = Object.entries(types)
    .filter(([, type]) => type === asked)
    .flatMap(([name, type]) => (entry?.[name as keyof typeof types] ?? []).map((data) => answer(type, data)));
  const reply = Buffer.concat([question, ...answers]);
  // A response, with recursion; 3: no such name.
  reply.writeUInt16BE(entry === undefined ? 0x8183 : 0x8180, 2);
  reply.writeUInt16BE(answers.length, 6);
  // The additional records of the query were left out.
  reply.writeUInt32BE(0, 8);
  return reply;
}

function answer(type: number, data: string | SrvRecord): Buffer {
  const value = typeof data === 'string' ? addressIn(type, data) : serviceIn(data);
  const head = Buffer.alloc(12);
  // The name of the question; the class IN; the time to live stays 0.
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(value.length, 10);
  return Buffer.concat([head, value]);
}

function addressIn(type: number, address: string): Buffer {
  if (type === types.A) return Buffer.from(address.split('.').map(Number));
  const [before = [], after = []] = address.split('::').map((half) => half.split(':').filter((group) => group !== ''));
  const zeros = Array<string>(8 - before.length - after.length).fill('0');
  return Buffer.from([...before, ...zeros, ...after].map((group) => group.padStart(4, '0')).join(''), 'hex');
}

function serviceIn({ priority, weight, port, name }: SrvRecord): Buffer {
  const head = Buffer.alloc(6);
  for (const [index, number] of [priority, weight, port].entries()) head.writeUInt16BE(number, index * 2);
  const labels = name.split('.').filter((label) => label !== '');
  return Buffer.concat([
    head,
    ...labels.map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`)),
    Buffer.alloc(1),
  ]);
}
