import { setTimeout as pause } from 'node:timers/promises';
import type { ConnectionManager } from '../../src/index.js';
import { type Entry, Ledger } from '../chaos/ledger.js';
import { Vigil } from '../chaos/vigil.js';
import { between, type Random } from '../support/seeded-random.js';
import { Subscribers } from './subscribers.js';

export const kindsOfWork = ['single calls', 'transactions', 'live'] as const;
export type KindOfWork = (typeof kindsOfWork)[number];

/** The deadlines of all calls, in milliseconds. */
export const deadlines = { connectionTimeout: 1_500, queryTimeout: 500 };
/** How often a call of the pool is tried, and the longest pause between. */
export const retryPolicy = { maxAttempts: 3, initialBackoff: 5, maxBackoff: 50 };
const transactionTimeout = 2_000;
/** How long the search for the outcome of a commit goes on past the end of its transaction. */
const verification = 500;

export interface WorkloadOptions {
  readonly kind: KindOfWork;
  /** Whether the outcome of a commit is found out on another node: not where that has another store. */
  readonly verifyCommit: boolean;
  readonly random: Random;
  /** No entry of another run has it. */
  readonly name: string;
}

/** Workers that write through a pool, each write with the verdict that its caller had; and those who listen. */
export class Workload {
  readonly ledger = new Ledger();
  readonly vigil = new Vigil();
  readonly subscribers: Subscribers;
  readonly #pool: ConnectionManager;
  readonly #of: WorkloadOptions;
  #working: readonly Promise<void>[] = [];
  #isOver = false;

  constructor(pool: ConnectionManager, options: WorkloadOptions) {
    this.#pool = pool;
    this.#of = options;
    this.subscribers = new Subscribers(pool, this.ledger, this.vigil);
  }

  start(workers: number, subscribers: number): void {
    this.vigil.start();
    this.#working = Array.from({ length: workers }, (_, worker) => this.#work(worker));
    if (this.#of.kind === 'live') this.subscribers.start(subscribers);
  }

  /** Resolves when all who write have ended. */
  async stopWriting(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#working);
  }

  /** Resolves when all who listen have ended, too. */
  async stop(): Promise<void> {
    await this.stopWriting();
    await this.subscribers.stop();
    this.vigil.stop();
  }

  async #work(worker: number): Promise<void> {
    for (let turn = 0; !this.#isOver; turn++) {
      const entry = { name: `${this.#of.name}-${worker}-${turn}`, worker, refuse: this.#of.random() < 0.1 };
      if (this.#of.kind === 'transactions') await this.#transact(entry);
      else await this.#call(entry);
      await pause(between(this.#of.random, 0, 10));
    }
  }

  async #call(entry: Entry): Promise<void> {
    const { maxAttempts, maxBackoff } = retryPolicy;
    const limit = maxAttempts * (deadlines.connectionTimeout + deadlines.queryTimeout + maxBackoff);
    const begun = performance.now();
    const verdict = await this.ledger.write(this.#pool, entry, (call) => this.vigil.within(limit, entry.name, call));
    if (verdict === 'acknowledged') this.subscribers.written(entry.name, begun);
  }

  async #transact(entry: Entry): Promise<void> {
    const work = this.#pool.withTransaction((transaction) => Ledger.writeIn(transaction, entry), {
      ...{ verifyCommit: this.#of.verifyCommit, timeout: transactionTimeout },
    });
    await this.ledger.note(entry, this.vigil.within(transactionTimeout + verification, entry.name, work));
  }
}
