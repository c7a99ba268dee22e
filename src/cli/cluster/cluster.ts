import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Action, Answer, Question, Start } from './messages.js';

const program = fileURLToPath(new URL('./cluster-store.js', import.meta.url));

type QuestionWithoutNumber = Question extends infer One ? (One extends Question ? Omit<One, 'number'> : never) : never;

/** Several servers over one store, each in a process of its own: see `store-program.ts`. */
export class Cluster {
  readonly urls: readonly string[];
  readonly #child: ChildProcess;
  readonly #folder: string;
  /** Rejects when its process ends. */
  readonly #ended: Promise<never>;
  #processes: readonly number[];
  #asked = 0;

  private constructor(
    child: ChildProcess,
    ended: Promise<never>,
    { urls, processes, folder }: Exclude<Start, { failure: string }>,
  ) {
    this.#child = child;
    this.#ended = ended;
    this.urls = urls;
    this.#processes = processes;
    this.#folder = folder;
  }

  /**
   * Starts a store and so many servers.
   * @throws Error without the package `@surrealdb/node`
   */
  static async start(servers: number): Promise<Cluster> {
    const child = fork(program, [String(servers)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    const ended = endOf(child);
    const [start] = await Promise.race([once(child, 'message') as Promise<[Start]>, ended]);
    if (!('failure' in start)) return new Cluster(child, ended, start);
    child.disconnect();
    await once(child, 'exit');
    throw new Error(start.failure);
  }

  /** Does something to the process of a server, by its place in `urls`. */
  async act(action: Action, server: number): Promise<void> {
    await this.#ask({ action, server });
  }

  /** How many queries each server has brought to the store. */
  async queries(): Promise<readonly number[]> {
    return (await this.#ask({ action: 'count' })).queries;
  }

  /** Ends all its processes and removes its folder. */
  async end(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exited = once(this.#child, 'exit');
      this.#child.disconnect();
      await exited;
    }
    if (this.#child.exitCode === 0) return;
    // It was ended before it could clean up.
    for (const pid of this.#processes) kill(pid);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #ask(question: QuestionWithoutNumber): Promise<Answer> {
    const number = ++this.#asked;
    const answer = new Promise<Answer>((resolve) => {
      const listen = (message: Answer): void => {
        if (message.number !== number) return;
        this.#child.off('message', listen);
        resolve(message);
      };
      this.#child.on('message', listen);
    });
    this.#child.send({ number, ...question });
    const { processes, queries, failure } = await Promise.race([answer, this.#ended]);
    this.#processes = processes;
    if (failure !== undefined) throw new Error(failure);
    return { number, processes, queries };
  }
}

/** Rejects when the process ends. */
function endOf(child: ChildProcess): Promise<never> {
  const ended = new Promise<never>((_, reject) => {
    child.once('exit', () => reject(new Error('the process that holds the store has ended')));
  });
  // It ends at the end of every run.
  ended.catch(() => {});
  return ended;
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}
