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

/** Which server is started. */
export interface ServerChoice {
  /** `memory`: each start is a new, empty store. Default: a folder of its own. */
  readonly storage?: 'memory' | 'folder';
  /** The program; default the `surreal` of the PATH. */
  readonly program?: string | undefined;
  /** Added to the environment of this process. */
  readonly environment?: Readonly<Record<string, string>>;
}

/**
 * A SurrealDB server in a process of its own, with authentication on. It stores in rocksdb, in a temporary folder, unless asked for memory: what it
 * acknowledged outlives its process, and no update is lost, as the storage in memory loses some that come together.
 */
export class ServerProcess implements ServerAddress {
  readonly url: string;
  readonly username = 'root';
  readonly password = 'secret';
  readonly #port: number;
  readonly #storage: string;
  readonly #program: string;
  readonly #environment: Readonly<Record<string, string>>;
  #process: ChildProcess | undefined;

  private constructor(port: number, { storage = 'folder', program = 'surreal', environment = {} }: ServerChoice) {
    this.#port = port;
    this.#storage = storage === 'memory' ? 'memory' : `rocksdb://${join(temporaryFolder(), 'data')}`;
    this.#program = program;
    this.#environment = environment;
    this.url = `ws://127.0.0.1:${port}/rpc`;
  }

  /** Starts one on a free port, and waits until it serves. */
  static async start(choice: ServerChoice = {}): Promise<ServerProcess> {
    const server = new ServerProcess(await freePort(), choice);
    await server.start();
    return server;
  }

  /** Starts it again, at the same address and with the same data. */
  async start(): Promise<void> {
    const { username, password } = this;
    const who = ['--user', username, '--pass', password];
    const where = ['--bind', `127.0.0.1:${this.#port}`, this.#storage];
    const child = spawn(this.#program, ['start', '--no-banner', '--log', 'none', ...who, ...where], {
      stdio: 'ignore',
      env: { ...process.env, ...this.#environment },
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

  /** Stops it in order, as an operator does: it takes no new connection, and ends once its calls have. */
  async stop(): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
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
