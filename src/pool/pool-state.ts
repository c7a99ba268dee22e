import type { PoolStatistics } from './statistics.js';

/**
 * The one word that says where a pool is in its life. It begins to run when it is made:
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

  /** Then nothing is kept, and nothing is counted as a failure. */
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
