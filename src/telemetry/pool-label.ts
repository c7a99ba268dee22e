import type { ResolvedConfig } from '../config/options.js';

/** What identifies a pool in traces and errors. */
export interface PoolLabel {
  /** Counts the pools of the process from 1: several may have one name. */
  readonly id: number;
  /** The option `name`. */
  readonly name: string;
  /** The host of the server, as OpenTelemetry's `server.address`; undefined for a database in this process, and for several servers. */
  readonly serverAddress: string | undefined;
  /** Its port, as `server.port`. */
  readonly serverPort: number | undefined;
}

let pools = 0;

/** The label of the pool of a configuration. Each call is for another pool. */
export function poolLabel({ name, mode, url }: Pick<ResolvedConfig, 'name' | 'mode' | 'url'>): PoolLabel {
  const id = ++pools;
  if (mode !== 'local') return { id, name, serverAddress: undefined, serverPort: undefined };
  const { hostname, port, protocol } = new URL(url);
  const usual = protocol === 'wss:' ? 443 : 80;
  // An IPv6 address has brackets in a URL, but not in an attribute.
  return { id, name, serverAddress: hostname.replace(/^\[|\]$/g, ''), serverPort: port === '' ? usual : Number(port) };
}
