/** What a caller knows of its write: it was made, it was certainly not made, or the caller cannot know. */
export type Verdict = 'made' | 'not made' | 'unknown';

/** What callers were told of their writes, beside what the store holds. */
export interface StoreCheck {
  readonly made: number;
  /** Acknowledged writes of which the store lacks something. */
  readonly missing: number;
  /** Writes of which it has something twice. */
  readonly twice: number;
  readonly notMade: number;
  /** Writes said not to be made, of which it has something. */
  readonly madeNevertheless: number;
  readonly unknown: number;
  /** Unknown writes that it has. */
  readonly unknownMade: number;
  /** Transactions of which it has a part. */
  readonly torn: number;
}

/** The account of all writes: each has a key, which is in each of its rows. */
export class Ledger {
  readonly #writes = new Map<string, { readonly rows: number; verdict: Verdict }>();

  /** A write begins: until its caller knows more, its outcome is not known. @returns its key */
  begin(rows: number): string {
    const key = `w${this.#writes.size + 1}`;
    this.#writes.set(key, { rows, verdict: 'unknown' });
    return key;
  }

  end(key: string, verdict: Verdict): void {
    const write = this.#writes.get(key);
    if (write !== undefined) write.verdict = verdict;
  }

  /** @param stored how many rows of each key there are */
  check(stored: ReadonlyMap<string, number>): StoreCheck {
    const check = {
      made: 0,
      missing: 0,
      twice: 0,
      notMade: 0,
      madeNevertheless: 0,
      unknown: 0,
      unknownMade: 0,
      torn: 0,
    };
    for (const [key, { rows, verdict }] of this.#writes) {
      const found = stored.get(key) ?? 0;
      if (found > rows) check.twice++;
      if (found > 0 && found < rows) check.torn++;
      switch (verdict) {
        case 'made':
          check.made++;
          if (found < rows) check.missing++;
          break;
        case 'not made':
          check.notMade++;
          if (found > 0) check.madeNevertheless++;
          break;
        case 'unknown':
          check.unknown++;
          if (found >= rows) check.unknownMade++;
          break;
      }
    }
    return check;
  }
}
