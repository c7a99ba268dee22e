/** Renewals of the tokens of connections. */
export interface TokenStatistics {
  /** Tokens that were renewed before their end. */
  readonly tokenRenewals: number;
  /** Attempts to renew one that failed: each attempt counts. */
  readonly tokenRenewalsFailed: number;
}

export class TokenCounters {
  #renewed = 0;
  #failed = 0;

  count(succeeded: boolean): void {
    if (succeeded) this.#renewed++;
    else this.#failed++;
  }

  statistics(): TokenStatistics {
    return { tokenRenewals: this.#renewed, tokenRenewalsFailed: this.#failed };
  }
}
