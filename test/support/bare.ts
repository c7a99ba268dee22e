import { createNodeEngines } from '@surrealdb/node';
import { type ConnectOptions, createRemoteEngines, type DriverOptions, Surreal } from 'surrealdb';
import { afterEach } from 'vitest';
import { WebSocket } from 'ws';

// The option has the type of the browser's class, of which `ws` has all that a user of the SDK on Node can give.
const websocketImpl = WebSocket as unknown as NonNullable<DriverOptions['websocketImpl']>;

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
