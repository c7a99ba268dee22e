import type { ResolvedConfig } from '../config/options.js';
import type { EndpointAddress } from '../endpoints/endpoint-address.js';

/** A server, in the words of OpenTelemetry; undefined for a database in this process, and for several servers. */
export interface ServerLabel {
  /** Its host, as `server.address`. */
  readonly serverAddress: string | undefined;
  /** Its port, as `server.port`. */
  readonly serverPort: number | undefined;
}

/** What identifies a pool in traces and errors. */
export interface PoolLabel extends ServerLabel {
  /** Counts the pools of the process from 1: several may have one name. */
  readonly id: number;
  /** The option `name`. */
  readonly name: string;
}

const none: ServerLabel = { serverAddress: undefined, serverPort: undefined };

let pools = 0;

/** The label of the pool of a configuration. Each call is for another pool. */
export function poolLabel({ name, mode, url }: Pick<ResolvedConfig, 'name' | 'mode' | 'url'>): PoolLabel {
  return { id: ++pools, name, ...(mode === 'local' ? serverOf({ url }) : none) };
}

/** The pool has one object for each of its servers; reading an address would cost more than the trace around it. */
const known = new WeakMap<EndpointAddress, ServerLabel>();

/** The server at an address. */
export function serverOf(address: EndpointAddress): ServerLabel {
  let server = known.get(address);
  if (server === undefined) {
    server = readServer(address.url);
    known.set(address, server);
  }
  return server;
}

function readServer(url: string): ServerLabel {
  const { hostname, port, protocol } = new URL(url);
  if (protocol !== 'ws:' && protocol !== 'wss:') return none;
  const usual = protocol === 'wss:' ? 443 : 80;
  // An IPv6 address has brackets in a URL, but not in an attribute.
  return { serverAddress: hostname.replace(/^\[|\]$/g, ''), serverPort: port === '' ? usual : Number(port) };
}
