/** Where a connection is opened. */
export interface EndpointAddress {
  /** `ws://<host>/rpc`, `wss://<host>/rpc`, or the address of an embedded database. */
  readonly url: string;
  /**
   * The name of the server when the address holds only one of its IP addresses: the certificate is checked against it,
   * and the request names it as its host. Left out, the host of the address is meant.
   */
  readonly servername?: string | undefined;
}

/** The host of a request, as its header `Host` has it: the name of the server, and the port unless it is the usual one. */
export function hostOf({ url, servername }: EndpointAddress): string {
  const { host, port } = new URL(url);
  if (servername === undefined) return host;
  return port === '' ? servername : `${servername}:${port}`;
}
