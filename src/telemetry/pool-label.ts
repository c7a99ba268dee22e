/** What tells a pool from others in traces and errors. */
export interface PoolLabel {
  /** The option `name`. */
  readonly name: string;
  /** The host of the server, as OpenTelemetry's `server.address`; undefined for a database in this process. */
  readonly serverAddress: string | undefined;
  /** Its port, as `server.port`. */
  readonly serverPort: number | undefined;
}

/** @param url as a resolved configuration has it */
export function poolLabel(name: string, url: string): PoolLabel {
  if (!/^wss?:/.test(url)) return { name, serverAddress: undefined, serverPort: undefined };
  const { hostname, port, protocol } = new URL(url);
  const usual = protocol === 'wss:' ? 443 : 80;
  // An IPv6 address stands in brackets in an address, and without them in an attribute.
  return { name, serverAddress: hostname.replace(/^\[|\]$/g, ''), serverPort: port === '' ? usual : Number(port) };
}
