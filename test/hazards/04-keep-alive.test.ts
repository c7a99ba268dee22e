import { expect, test } from 'vitest';
import { runChild } from '../support/child.js';
import type { Front } from '../support/front.js';
import { place, surroundings } from '../support/surroundings.js';

const own = surroundings();

/** The SDK asks for a sign of life every 30 s: here every 50 ms. It has to be in place before the SDK is loaded. */
const fasterKeepAlive = `
  const setTrueInterval = globalThis.setInterval;
  globalThis.setInterval = (work, time, ...rest) => setTrueInterval(work, time === 30_000 ? 50 : time, ...rest);
`;

/** When the connection is gone, whatever comes of it has a while to come; then the script says that it is well. */
const survive = `
  setTimeout(() => {
    console.log('alive');
    process.exit();
  }, 300);
`;

const bareScript = `${fasterKeepAlive}
  const { Surreal } = await import('surrealdb');
  const { WebSocket } = await import('ws');
  const client = new Surreal({ websocketImpl: WebSocket });
  client.subscribe('disconnected', () => {${survive}});
  await client.connect(process.argv[1], { reconnect: false });
`;

const poolScript = `${fasterKeepAlive}
  const { createPool } = await import('surreal-pool');
  const pool = await createPool(process.argv[1], { ...${JSON.stringify(place)}, minConnections: 0 });
  pool.subscribe('died', () => {${survive}});
`;

/** Its sockets are lost exactly when a keep-alive is under way. */
async function frontThatDiesOfPings(): Promise<Front> {
  const front = await own.listen();
  front.onRequest = ({ method }) => (method === 'ping' ? 'kill' : 'pass');
  return front;
}

test('the SDK by itself ends the process when its socket is lost during a keep-alive', async ({ skip }) => {
  const { url } = await frontThatDiesOfPings();
  const { code, hung, stdout, stderr } = await runChild(bareScript, [url]);
  expect(hung).toBe(false);
  skip(stdout.includes('alive'), 'the SDK no longer leaves the rejection of a keep-alive unhandled');
  expect(stderr).toContain('CallTerminatedError');
  expect(code).toBe(1);
});

test('the pool survives it: the connection is lost and nothing is left unhandled', async () => {
  const front = await frontThatDiesOfPings();
  const { code, stdout, stderr } = await runChild(poolScript, [front.url]);
  expect(stderr).toBe('');
  expect(stdout).toBe('alive\n');
  expect(code).toBe(0);
  expect(front.requests.get('ping'), 'a keep-alive was under way').toBeGreaterThanOrEqual(1);
});
