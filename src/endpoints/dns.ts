import { type LookupAddress, promises, type SrvRecord } from 'node:dns';
import { isIP } from 'node:net';
import type { DnsSource, EndpointOptions, SrvSource, Target } from '../config/endpoint-options.js';
import { resolveEndpoints } from '../config/resolve.js';
import { onAbort } from '../time/on-abort.js';

/** Who answers questions about names; tests answer themselves. */
export interface Names {
  addressesOf(name: string, family: 4 | 6 | 'any'): Promise<readonly LookupAddress[]>;
  servicesOf(name: string, signal: AbortSignal): Promise<readonly SrvRecord[]>;
}

/**
 * The names as the machine knows them. Addresses come from the system's resolver (`getaddrinfo`), which is also what opening a
 * socket by name asks: it knows /etc/hosts, search domains and whatever else the machine is set up for, where a query to a DNS
 * server would miss `localhost` and every name of a compose file. It cannot be cancelled and tells no time to live. SRV
 * records exist in DNS alone, so a DNS server is asked for them.
 *
 * @param resolver makes one for each question, since cancelling ends all questions of a resolver
 */
export function systemNames(resolver: () => promises.Resolver = () => new promises.Resolver()): Names {
  return {
    addressesOf: (name, family) => promises.lookup(name, { all: true, family: family === 'any' ? 0 : family }),
    servicesOf: async (name, signal) => {
      const asked = resolver();
      const forget = onAbort(signal, () => asked.cancel());
      try {
        return await asked.resolveSrv(name);
      } finally {
        forget();
      }
    },
  };
}

/**
 * The servers at the addresses of a host name, each known by its address.
 *
 * @throws ConfigurationError when there are none
 */
export function targetsAt(source: DnsSource, addresses: readonly LookupAddress[]): readonly Target[] {
  const { dns, port, tls, path } = source;
  const urls = hostsOf(addresses).map((host) => `${tls ? 'wss' : 'ws'}://${host}:${port}${path}`);
  const targets = resolveEndpoints(urls, `What was found for ${dns}`, 'addresses');
  // A certificate is for the name. It has no dot at its end, which only tells a resolver not to search.
  const servername = dns.replace(/\.$/, '');
  return isIP(dns) === 0 ? targets.map((target) => ({ ...target, servername })) : targets;
}

const ownAddresses = new Set(['127.0.0.1', '::1']);

/** Each address once, as it stands in a URL. */
function hostsOf(addresses: readonly LookupAddress[]): readonly string[] {
  // One of the network card alone (`fe80::1%eth0`) has no form in a URL.
  const all = [...new Set(addresses.map(({ address }) => address))].filter((address) => !address.includes('%'));
  const own = all.filter((address) => ownAddresses.has(address));
  // Both are this machine, so one server, which may listen at only one of them: opening by name tries both.
  const others = own.length > 1 ? all.filter((address) => !ownAddresses.has(address)) : all;
  const hosts = others.map((address) => (isIP(address) === 6 ? `[${address}]` : address));
  return own.length > 1 ? ['localhost', ...hosts] : hosts;
}

/**
 * The servers that SRV records list, each known by its name, under which its certificate is.
 *
 * @throws ConfigurationError when there are none, or one cannot be used
 */
export function targetsOf(source: SrvSource, records: readonly SrvRecord[]): readonly Target[] {
  const { srv, tls, path } = source;
  const list = new Map<string, EndpointOptions>();
  for (const { name, port, priority, weight } of records) {
    // "A Target of "." means that the service is decidedly not available at this domain" (RFC 2782); Node gives an empty name.
    if (name === '' || name === '.') continue;
    const url = `${tls ? 'wss' : 'ws'}://${name}:${port}${path}`;
    const other = list.get(url);
    if (other?.priority !== undefined && other.priority <= priority) continue;
    list.set(url, { url, priority, weight: weight > 0 ? weight : weightOfZero(priority, records) });
  }
  return resolveEndpoints([...list.values()], `What was found for ${srv}`, 'records');
}

/**
 * "In the presence of records containing weights greater than 0, records with weight 0 should have a very small chance of being
 * selected" (RFC 2782): next to the least weight there is, a hundredth. Where no record has a weight, they share alike.
 */
function weightOfZero(priority: number, records: readonly SrvRecord[]): number {
  return records.some((record) => record.priority === priority && record.weight > 0) ? 0.01 : 1;
}
