import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach } from 'vitest';
import { type ConsoleOptions, consoleHandler } from '../../src/console/index.js';
import type { Pools } from '../../src/metrics/pools.js';

/** A server with the live page, ended after the test. */
export interface ConsoleServer {
  readonly url: string;
  readonly port: number;
  /** Ends it before the end of the test. */
  stop(): Promise<void>;
}

const open = new Set<Server>();

/** Ends what is under way at all servers, as a proxy or a restart does. */
export function closeConnections(): void {
  for (const server of open) server.closeAllConnections();
}

/** Call once at the top of a test file. */
export function consoleServers(): (pools: Pools, options?: ConsoleOptions, port?: number) => Promise<ConsoleServer> {
  const stop = async (server: Server): Promise<void> => {
    open.delete(server);
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  };
  afterEach(async () => {
    for (const server of open) await stop(server);
  });
  return async (pools, options, asked = 0) => {
    const handler = consoleHandler(pools, options);
    const server = createServer((request, response) => void handler(request, response));
    open.add(server);
    await new Promise<void>((listening) => server.listen(asked, '127.0.0.1', listening));
    const { port } = server.address() as AddressInfo;
    return { url: `http://127.0.0.1:${port}/pool`, port, stop: () => stop(server) };
  };
}
