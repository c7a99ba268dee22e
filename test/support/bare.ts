import { createNodeEngines } from '@surrealdb/node';
import { type ConnectOptions, createRemoteEngines, Surreal } from 'surrealdb';
import { afterEach } from 'vitest';
import { websocketImpl } from './websocket-impl.js';

/** Clients of the official SDK without anything of ours around it. */
export interface BareSdk {
  /** A client that is not connected. */
  client(): Surreal;
  connect(url: string, options?: ConnectOptions): Promise<Surreal>;
}

/** Call once at the top of a test file. The clients are closed after each test. */
export function bareSdk(): BareSdk {
  const clients: Surreal[] = [];
  afterEach(() => {
    // Not waited for: not returning is among the hazards.
    for (const client of clients.splice(0)) client.close().catch(() => {});
  });
  const own: BareSdk = {
    client() {
      const client = new Surreal({ websocketImpl, engines: { ...createRemoteEngines(), ...createNodeEngines() } });
      clients.push(client);
      return client;
    },
    async connect(url, options) {
      const client = own.client();
      await client.connect(url, options ?? {});
      return client;
    },
  };
  return own;
}
