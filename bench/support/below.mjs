import { createNodeEngines } from '@surrealdb/node';
import { createRemoteEngines, Surreal } from 'surrealdb';
import { WebSocket } from 'ws';

/**
 * What is below the pool: a client of the SDK, with one session on one socket or engine.
 *
 * @param {string} url
 */
export async function connectBelow(url) {
  const client = new Surreal({
    // The option has the type of the browser's class.
    websocketImpl: /** @type {any} */ (WebSocket),
    engines: { ...createRemoteEngines(), ...createNodeEngines() },
  });
  await client.connect(url, { namespace: 'bench', database: 'bench' });
  return client;
}
