import type { PoolStatistics } from './statistics.js';

/**
 * The state of a pool. A new pool is running:
 *
 *     running ◀──▶ paused
 *        └────┬──────┘
 *         draining ──▶ closed
 */
export class PoolState {
  #word: PoolStatistics['state'] = 'running';

  get word(): PoolStatistics['state'] {
    return this.#word;
  }

  get isRunning(): boolean {
    return this.#word === 'running';
  }

  /** Whether the pool is draining or closed: then no minimum is kept and no failure is counted. */
  get isEnding(): boolean {
    return this.#word === 'draining' || this.#word === 'closed';
  }

  /** @returns whether that changed anything */
  pause(): boolean {
    return this.#turn('running', 'paused');
  }

  /** @returns whether that changed anything */
  resume(): boolean {
    return this.#turn('paused', 'running');
  }

  drain(): void {
    this.#word = 'draining';
  }

  close(): void {
    this.#word = 'closed';
  }

  #turn(from: PoolStatistics['state'], to: PoolStatistics['state']): boolean {
    if (this.#word !== from) return false;
    this.#word = to;
    return true;
  }
}
