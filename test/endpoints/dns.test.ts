import type { LookupAddress } from 'node:dns';
import { afterEach, describe, expect, test } from 'vitest';
import type { DnsSource, SrvSource } from '../../src/config/endpoint-options.js';
import { Discovery, type DiscoverySurroundings } from '../../src/endpoints/discovery.js';
import { systemNames, targetsAt, targetsOf } from '../../src/endpoints/dns.js';
import { ConfigurationError } from '../../src/errors/configuration.js';
import { DeadlineError } from '../../src/errors/connect.js';
import { NoEndpointError } from '../../src/errors/endpoint.js';
import { type DnsEntry, type DnsServer, listenForDns } from '../support/dns-server.js';

const host: DnsSource = { dns: 'surreal.internal', port: 8000, tls: false, family: 'any', path: '/rpc' };
const service: SrvSource = { srv: '_surreal._tcp.internal', tls: false, path: '/rpc' };

const four = (address: string): LookupAddress => ({ address, family: 4 });
const six = (address: string): LookupAddress => ({ address, family: 6 });

describe('the addresses of a host name', () => {
  test('are a server each, known by its address, and under the name for its certificate', () => {
    expect(targetsAt({ ...host, tls: true, path: '/db' }, [four('10.0.0.1'), six('fd00::2')])).toEqual([
      { url: 'wss://10.0.0.1:8000/db', weight: 1, zone: undefined, priority: 0, servername: 'surreal.internal' },
      { url: 'wss://[fd00::2]:8000/db', weight: 1, zone: undefined, priority: 0, servername: 'surreal.internal' },
    ]);
  });

  test('count once, however often they are given', () => {
    const urls = targetsAt(host, [four('10.0.0.1'), four('10.0.0.1')]).map(({ url }) => url);
    expect(urls).toEqual(['ws://10.0.0.1:8000/rpc']);
  });

  test('::1 and 127.0.0.1 are one server, opened by a name that leads to both', () => {
    const urls = (...addresses: LookupAddress[]) => targetsAt(host, addresses).map(({ url }) => url);
    expect(urls(six('::1'), four('127.0.0.1'))).toEqual(['ws://localhost:8000/rpc']);
    expect(urls(six('::1'))).toEqual(['ws://[::1]:8000/rpc']);
    expect(urls(four('127.0.0.1'))).toEqual(['ws://127.0.0.1:8000/rpc']);
    expect(urls(four('127.0.0.1'), four('127.0.0.2'), six('::1'))).toEqual([
      'ws://localhost:8000/rpc',
      'ws://127.0.0.2:8000/rpc',
    ]);
  });

  test('of one network card alone cannot be used', () => {
    expect(targetsAt(host, [six('fe80::1%eth0'), four('10.0.0.1')]).map(({ url }) => url)).toEqual([
      'ws://10.0.0.1:8000/rpc',
    ]);
  });

  test('of a name that is an address are asked for by no name', () => {
    expect(targetsAt({ ...host, dns: '10.0.0.1' }, [four('10.0.0.1')])[0]).not.toHaveProperty('servername');
    expect(targetsAt({ ...host, dns: 'db.' }, [four('10.0.0.1')])[0]?.servername).toBe('db');
  });

  test('have to be some', () => {
    expect(() => targetsAt(host, [])).toThrow(ConfigurationError);
    expect(() => targetsAt(host, [])).toThrow(/surreal\.internal.*\n.*an empty list; allowed: at least one endpoint/);
  });
});

describe('SRV records', () => {
  const record = (name: string, weight: number, priority = 0, port = 8000) => ({ name, weight, priority, port });

  test('are a server each, with the weight and the priority of its record', () => {
    expect(
      targetsOf({ ...service, tls: true }, [record('a.internal', 60, 1), record('b.internal', 40, 0, 443)]),
    ).toEqual([
      { url: 'wss://a.internal:8000/rpc', weight: 60, zone: undefined, priority: 1 },
      { url: 'wss://b.internal/rpc', weight: 40, zone: undefined, priority: 0 },
    ]);
  });

  test('of weight 0 get very little where others have more, and share alike where none has', () => {
    const weights = targetsOf(service, [record('a', 0), record('b', 1), record('c', 0, 1), record('d', 0, 1)]);
    expect(weights.map(({ weight }) => weight)).toEqual([0.01, 1, 1, 1]);
  });

  test('of one server twice count once, by the priority that goes first', () => {
    const twice = targetsOf(service, [record('a', 1, 7), record('a', 2, 3), record('a', 3, 5)]);
    expect(twice).toMatchObject([{ url: 'ws://a:8000/rpc', weight: 2, priority: 3 }]);
  });

  test('that say there is no service are none', () => {
    expect(() => targetsOf(service, [record('', 0), record('.', 0)])).toThrow(/an empty list/);
  });

  test('that cannot be an address are refused with what they are', () => {
    expect(() => targetsOf(service, [record('a', 1), record('not a host', 1)])).toThrow(
      /_surreal\._tcp.*\n.*records\.1/,
    );
  });
});

describe('a real DNS server', () => {
  const servers: DnsServer[] = [];
  const discoveries: Discovery[] = [];

  afterEach(async () => {
    for (const discovery of discoveries.splice(0)) discovery.stop();
    for (const server of servers.splice(0)) await server.close();
  });

  async function ask(source: DnsSource | SrvSource, entries: Record<string, DnsEntry>, timeout = 5_000) {
    const server = await listenForDns(entries);
    servers.push(server);
    return { server, start: begin(source, timeout, { names: server.names }) };
  }

  function begin(source: DnsSource | SrvSource, timeout: number, surroundings?: DiscoverySurroundings) {
    const listeners = { changed() {}, stale() {} };
    const discovery = new Discovery(source, { refresh: 0, minInterval: 1_000_000, timeout }, listeners, surroundings);
    discoveries.push(discovery);
    return discovery.start();
  }

  const both: DnsEntry = { A: ['10.0.0.1', '10.0.0.2'], AAAA: ['fd00::1'] };

  test.each([
    ['any', ['ws://10.0.0.1:8000/rpc', 'ws://10.0.0.2:8000/rpc', 'ws://[fd00::1]:8000/rpc']],
    [4, ['ws://10.0.0.1:8000/rpc', 'ws://10.0.0.2:8000/rpc']],
    [6, ['ws://[fd00::1]:8000/rpc']],
  ] as const)('gives the addresses of family %s', async (family, urls) => {
    const { start } = await ask({ ...host, family }, { 'surreal.internal': both });
    expect((await start).map(({ url }) => url).sort()).toEqual([...urls].sort());
  });

  test('gives SRV records', async () => {
    const SRV = [
      { name: 'a.internal', port: 8001, weight: 60, priority: 0 },
      { name: 'b.internal', port: 8002, weight: 0, priority: 0 },
      { name: 'c.internal', port: 8003, weight: 0, priority: 10 },
    ];
    const { start, server } = await ask(service, { '_surreal._tcp.internal': { SRV } });
    const targets = [...(await start)].sort((one, other) => one.url.localeCompare(other.url));
    expect(targets).toEqual([
      { url: 'ws://a.internal:8001/rpc', weight: 60, zone: undefined, priority: 0 },
      { url: 'ws://b.internal:8002/rpc', weight: 0.01, zone: undefined, priority: 0 },
      { url: 'ws://c.internal:8003/rpc', weight: 1, zone: undefined, priority: 10 },
    ]);
    expect(server.asked).toEqual(['_surreal._tcp.internal']);
  });

  test.each([host, service])('that knows no such name is told of by NoEndpointError', async (source) => {
    const { start } = await ask(source, {});
    const error = await start.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(NoEndpointError);
    expect(error).toMatchObject({ retryable: true, cause: { code: 'ENOTFOUND' } });
    expect(String(error)).toMatch(/looking for (dns:\/\/surreal|srv:\/\/_surreal).* failed: .*ENOTFOUND/);
  });

  test('whose name has no such records is no server either', async () => {
    const { start } = await ask(service, { '_surreal._tcp.internal': both });
    await expect(start).rejects.toMatchObject({ name: 'NoEndpointError', cause: { code: 'ENODATA' } });
  });

  test('that is silent is given up at the deadline, and the question is taken back', async () => {
    const { server, start } = await ask(service, { '_surreal._tcp.internal': { silent: true } }, 40);
    const lookup = server.names.servicesOf.bind(server.names);
    await expect(start).rejects.toMatchObject({ name: 'NoEndpointError', cause: expect.any(DeadlineError) });
    const controller = new AbortController();
    const question = lookup(service.srv, controller.signal);
    controller.abort();
    await expect(question).rejects.toMatchObject({ code: 'ECANCELLED' });
  });
});

test("this machine's own name is one server", async () => {
  const addresses = await systemNames().addressesOf('localhost', 'any');
  expect(targetsAt({ ...host, dns: 'localhost' }, addresses)).toHaveLength(1);
});

test.each([4, 6] as const)('the system is asked for addresses of family %d alone', async (family) => {
  // A machine without addresses of a family has none.
  const addresses = await systemNames()
    .addressesOf('localhost', family)
    .catch(() => []);
  for (const found of addresses) expect(found.family).toBe(family);
});
