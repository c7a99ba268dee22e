/**
 * What became of the pool's transactions. Always:
 * `begun = open + committed + rolledBack + conflicts + lost + unknown + abandoned`.
 */
export interface TransactionStatistics {
  readonly begun: number;
  /** Neither committed nor rolled back yet. */
  readonly open: number;
  readonly committed: number;
  readonly rolledBack: number;
  /** Refused at the commit, because a concurrent transaction had changed the same records first. */
  readonly conflicts: number;
  /** Lost with their connection, and known not to be applied. */
  readonly lost: number;
  /** Nobody knows whether they were committed: the answer to their commit was lost. */
  readonly unknown: number;
  /** Cancelled by the pool, because they were open when their connection was released. */
  readonly abandoned: number;
  /** Of all of them: those in which a call failed, so that they could only be rolled back, or back to a savepoint. */
  readonly aborted: number;
  /** Times that the work of a `withTransaction()` was begun again after a conflict. */
  readonly retries: number;
  /** Commits without an answer whose outcome `verifyCommit` found out. */
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
