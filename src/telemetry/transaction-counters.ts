/**
 * Statistics of the pool's transactions. Always: `begun = open + committed + rolledBack + conflicts + lost + unknown +
 * abandoned`.
 */
export interface TransactionStatistics {
  readonly begun: number;
  /** Neither committed nor rolled back yet. */
  readonly open: number;
  readonly committed: number;
  readonly rolledBack: number;
  /** The server refused the commit because a concurrent transaction had changed the same records first. */
  readonly conflicts: number;
  /** Lost with their connection, and known not to be applied. */
  readonly lost: number;
  /** The answer to their commit was lost, so it is not known whether they were committed. */
  readonly unknown: number;
  /** The pool cancelled them, because they were open when their connection was released. */
  readonly abandoned: number;
  /**
   * Those among all of them in which a call failed, so that they could only be rolled back, wholly or to a savepoint.
   */
  readonly aborted: number;
  /** How often the work of a `withTransaction()` was started again after a conflict. */
  readonly retries: number;
  /** Commits without an answer for which `verifyCommit` found the outcome. */
  readonly fenced: number;
}

type Counted = Exclude<keyof TransactionStatistics, 'open'>;

export class TransactionCounters {
  readonly #counts: Record<Counted, number> = {
    begun: 0,
    committed: 0,
    rolledBack: 0,
    conflicts: 0,
    lost: 0,
    unknown: 0,
    abandoned: 0,
    aborted: 0,
    retries: 0,
    fenced: 0,
  };

  count(what: Counted): void {
    this.#counts[what]++;
  }

  statistics(): TransactionStatistics {
    const { begun, committed, rolledBack, conflicts, lost, unknown, abandoned } = this.#counts;
    const open = begun - committed - rolledBack - conflicts - lost - unknown - abandoned;
    return { open, ...this.#counts };
  }
}
