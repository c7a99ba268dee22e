import { createNodeEngines } from '@surrealdb/node';
import { createRemoteEngines, Surreal } from 'surrealdb';

/**
 * What is below the pool: a client of the SDK, with one session on one socket or engine.
 *
 * @param {string} url
 */
export async function connectBelow(url) {
  const client = new Surreal({
    // Loaded for sockets alone, as code for the SDK would; the option has the type of the browser's class.
    ...(url.startsWith('ws') ? { websocketImpl: /** @type {any} */ ((await import('ws')).WebSocket) } : {}),
    engines: { ...createRemoteEngines(), ...createNodeEngines() },
  });
  await client.connect(url, { namespace: 'bench', database: 'bench' });
  return client;
}
