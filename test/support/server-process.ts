import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { temporaryFolder } from './temporary.js';

/** A real server and who may do everything there. */
export interface ServerAddress {
  readonly url: string;
  readonly username: string;
  readonly password: string;
}

/**
 * A SurrealDB server in a process of its own, with authentication on. It stores in rocksdb, in a temporary folder: what it
 * acknowledged outlives its process, and no update is lost, as the storage in memory loses some that come together.
 */
export class ServerProcess implements ServerAddress {
  readonly url: string;
  readonly username = 'root';
  readonly password = 'secret';
  readonly #port: number;
  readonly #command: string;
  readonly #storage = `rocksdb://${join(temporaryFolder(), 'data')}`;
  #process: ChildProcess | undefined;

  private constructor(port: number, command: string) {
    this.#port = port;
    this.#command = command;
    this.url = `ws://127.0.0.1:${port}/rpc`;
  }

  /** Starts the `surreal` of a folder, or of the PATH, on a free port, and waits until it serves. */
  static async start(folder?: string): Promise<ServerProcess> {
    const server = new ServerProcess(await freePort(), folder === undefined ? 'surreal' : join(folder, 'surreal'));
    await server.start();
    return server;
  }

  /** Starts it again, at the same address and with the same data. */
  async start(): Promise<void> {
    const { username, password } = this;
    const who = ['--user', username, '--pass', password];
    const where = ['--bind', `127.0.0.1:${this.#port}`, this.#storage];
    const child = spawn(this.#command, ['start', '--no-banner', '--log', 'none', ...who, ...where], {
      stdio: 'ignore',
    });
    this.#process = child;
    let failure: unknown;
    child.once('error', (error) => {
      failure = error;
    });
    // It has no other way to say that it is ready than to answer.
    while (!(await isHealthy(this.#port))) {
      if (failure !== undefined) throw failure;
      if (child.exitCode !== null) throw new Error(`surreal start ended with code ${child.exitCode}`);
      await sleep(20);
    }
  }

  /** Ends it in the midst of whatever it does; also when it is suspended. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  /** From now on it does nothing, and all its sockets stay open. */
  suspend(): void {
    this.#process?.kill('SIGSTOP');
  }

  resume(): void {
    this.#process?.kill('SIGCONT');
  }
}

async function isHealthy(port: number): Promise<boolean> {
  const answer = await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined);
  return answer?.ok === true;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
