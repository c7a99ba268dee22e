import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/**
 * A server in another process.
 *
 * @typedef {{ url: string, what: string, stop: () => void }} Server
 */

/**
 * The server at SURREALDB_URL; or a `surreal` of its own where PATH has one; or the tests' front over an embedded
 * engine, which passes for one.
 *
 * @returns {Promise<Server>}
 */
export async function startServer() {
  const url = process.env.SURREALDB_URL;
  if (url) return { url: new URL('/rpc', url).href, what: 'the server at SURREALDB_URL', stop: () => {} };
  const binary = (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, process.platform === 'win32' ? 'surreal.exe' : 'surreal'))
    .find((file) => existsSync(file));
  return binary === undefined ? await startFront() : await startBinary(binary);
}

/**
 * @param {string} binary
 * @returns {Promise<Server>}
 */
async function startBinary(binary) {
  const port = await freePort();
  const child = spawn(
    binary,
    ['start', '--unauthenticated', '--log', 'none', '--bind', `127.0.0.1:${port}`, 'memory'],
    {
      stdio: 'ignore',
    },
  );
  const stop = () => void child.kill();
  process.once('exit', stop);
  while (!(await listens(port))) {
    if (child.exitCode !== null) throw new Error(`${binary} ended with ${child.exitCode} before it listened`);
    await sleep(20);
  }
  return { url: `ws://127.0.0.1:${port}/rpc`, what: 'SurrealDB in memory', stop };
}

/** @returns {Promise<Server>} */
async function startFront() {
  const loader = fileURLToPath(new URL('typescript-loader.mjs', import.meta.url));
  const child = fork(fileURLToPath(new URL('front-process.mjs', import.meta.url)), { execArgv: ['--import', loader] });
  const [url] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code]) => Promise.reject(new Error(`the front ended with ${code} before it listened`))),
  ]);
  return { url: String(url), what: "the tests' front over an engine in memory", stop: () => void child.kill() };
}

/** @returns {Promise<number>} */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  server.close();
  await once(server, 'close');
  return port;
}

/**
 * @param {number} port
 * @returns {Promise<boolean>}
 */
async function listens(port) {
  const socket = connect(port, '127.0.0.1');
  const answered = await Promise.race([
    once(socket, 'connect').then(() => true),
    new Promise((failed) => socket.once('error', () => failed(false))),
  ]).catch(() => false);
  socket.destroy();
  return answered;
}
