// The store of the cluster, a process of its own, and the parent of its servers:
//
//   the command ─┬─ server 1 ─┐
//   (the pool)   ├─ server 2 ─┼─ this process ── one rocksdb in a temporary folder
//                └─ server 3 ─┘
//
// One process alone can open such a database, so the servers hand on what comes. Whatever becomes of the command, this process
// sees it go, and then ends the servers, frozen ones too, removes the folder, and ends.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CborCodec, type ConnectionState, FlatBufferCodec, JsonCodec, type SurrealEngine } from 'surrealdb';
import { WebSocketServer } from 'ws';
import type { Answer, Question, Start } from './messages.js';
import { type Ask, SocketSessions } from './socket-sessions.js';

const program = fileURLToPath(new URL('./cluster-server.js', import.meta.url));

interface Server {
  /** Where this process listens for it. */
  readonly store: number;
  /** Where it listens. */
  port: number;
  process: ChildProcess;
  queries: number;
}

const folder = mkdtempSync(join(tmpdir(), 'surreal-pool-cluster-'));
const servers: Server[] = [];
/** Whether the store has been opened. */
let isOpen = false;

/** Opens the engine below the SDK's client: each call by itself, and its answer as the engine's own bytes. */
async function openEngine(): Promise<Ask> {
  const { createNodeEngines } = await import('@surrealdb/node').catch(() => {
    throw new Error(
      'the servers are made of the embedded engine, which is a package of its own: npm install @surrealdb/node',
    );
  });
  const cbor = new CborCodec({});
  let calls = 0;
  const engine = createNodeEngines().rocksdb?.({
    options: {},
    uniqueId: () => String(++calls),
    codecs: {
      cbor: { encode: (value) => cbor.encode(value), decode: <Value>(answer: Uint8Array) => answer as Value },
      flatbuffer: new FlatBufferCodec({}),
      json: new JsonCodec({}),
    },
  }) as SurrealEngine | undefined;
  if (engine === undefined) throw new Error('@surrealdb/node has no engine for rocksdb');
  await new Promise<void>((opened, failed) => {
    engine.subscribe('connected', () => opened());
    engine.subscribe('error', (error) => failed(error));
    // It reads nothing of the state but the address. What is stored need not outlive the machine.
    engine.open({ url: new URL(`rocksdb://${join(folder, 'store')}?sync=never`) } as ConnectionState);
  });
  return (call) => (engine as unknown as { send(call: object): Promise<Uint8Array> }).send(call);
}

/** Listens for one server. Returns the port. */
async function listenFor(index: number, ask: Ask): Promise<number> {
  const http = createServer();
  const sockets = new WebSocketServer({ server: http, path: '/rpc' });
  sockets.on('connection', (socket) => {
    const sessions = new SocketSessions(ask);
    socket.on('error', () => {});
    socket.on('close', () => void sessions.end());
    socket.on('message', async (frame: Buffer) => {
      const { reply, method } = await sessions.answer(new Uint8Array(frame));
      const server = servers[index];
      if (method === 'query' && server !== undefined) server.queries++;
      if (socket.readyState === socket.OPEN) socket.send(reply);
    });
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  return (http.address() as AddressInfo).port;
}

/** Starts the process of a server. */
async function start(port: number, store: number): Promise<Pick<Server, 'port' | 'process'>> {
  const child = fork(program, [String(port), String(store)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const [listening] = await Promise.race([
    once(child, 'message') as Promise<[number]>,
    once(child, 'exit').then(() => Promise.reject(new Error('the process of a server ended at its start'))),
  ]);
  return { port: listening, process: child };
}

async function act(question: Question): Promise<void> {
  if (question.action === 'count') return;
  const { action, server: index } = question;
  const server = servers[index];
  if (server === undefined) throw new Error(`there is no server ${index}`);
  switch (action) {
    case 'kill': {
      const ended = once(server.process, 'exit');
      server.process.kill('SIGKILL');
      await ended;
      return;
    }
    case 'start':
      Object.assign(server, await start(server.port, server.store));
      return;
    case 'freeze':
      server.process.kill('SIGSTOP');
      return;
    case 'thaw':
      server.process.kill('SIGCONT');
      return;
  }
}

function processes(): number[] {
  return servers.flatMap(({ process: { pid } }) => pid ?? []);
}

function tell(message: Start | Answer): void {
  if (process.connected) process.send?.(message);
}

/** An engine that is just being opened goes on to make files on threads of its own: then the folder is removed once more. */
function removeFolder(): void {
  const remove = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 });
  remove();
  if (isOpen) return;
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  remove();
}

function end(): never {
  // Also one that is frozen.
  for (const { process } of servers) process.kill('SIGKILL');
  removeFolder();
  process.exit();
}

// The terminal sends its signals to all processes of a command. This one goes when the command has gone.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
process.on('disconnect', end);
// It may have gone while this program was loaded.
if (!process.connected) end();
process.on('message', async (question: Question) => {
  const failure = await act(question).then(
    () => undefined,
    (error: unknown) => String(error),
  );
  const queries = servers.map((server) => server.queries);
  tell({ number: question.number, processes: processes(), queries, ...(failure !== undefined && { failure }) });
});

try {
  const ask = await openEngine();
  isOpen = true;
  const count = Number(process.argv[2]);
  for (let index = 0; index < count; index++) {
    const store = await listenFor(index, ask);
    servers.push({ store, queries: 0, ...(await start(0, store)) });
  }
  const urls = servers.map(({ port }) => `ws://127.0.0.1:${port}/rpc`);
  tell({ urls, processes: processes(), folder });
} catch (error) {
  tell({ failure: error instanceof Error ? error.message : String(error) });
}
