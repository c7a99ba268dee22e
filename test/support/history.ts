/**
 * What a test did and saw, transaction by transaction. Each write puts a value that is never used again under a key: at
 * the end of a list, or into a set (the rows that a condition finds). So each value read tells who wrote it.
 */
export type Event =
  | { readonly do: 'write'; readonly key: string; readonly value: number }
  | { readonly do: 'read'; readonly key: string; readonly values: readonly number[] }
  /** How many values a set has. */
  | { readonly do: 'count'; readonly key: string; readonly count: number }
  | { readonly do: 'savepoint'; readonly number: number }
  /** Everything since that savepoint is undone, except that the program has seen what it read. */
  | { readonly do: 'rollback'; readonly number: number };

/** What the caller was told: an `unknown` transaction may or may not be in. */
export type Told = 'committed' | 'aborted' | 'unknown';

export interface RecordedTransaction {
  readonly number: number;
  /** The worker that ran it, and whatever else helps a reader. */
  readonly label: string;
  /** A moment before its begin and one after its end, as numbers that grow. */
  readonly begun: number;
  readonly ended: number;
  readonly told: Told;
  readonly events: readonly Event[];
}

export interface History {
  readonly transactions: readonly RecordedTransaction[];
  /** What is stored in the end under each key. Keys that begin with `set` are sets, the others are lists. */
  readonly stored: ReadonlyMap<string, readonly number[]>;
}

export function isSet(key: string): boolean {
  return key.startsWith('set');
}

/** One transaction while it is under way. */
export class Recording {
  readonly events: Event[] = [];
  readonly #end: (told: Told) => void;
  readonly #nextValue: () => number;
  #savepoints = 0;
  #ended = false;

  constructor(nextValue: () => number, end: (told: Told, events: readonly Event[]) => void) {
    this.#nextValue = nextValue;
    this.#end = (told) => end(told, this.events);
  }

  /** Gives the value to write. Recorded before it is sent, because its answer may be lost. */
  write(key: string): number {
    const value = this.#nextValue();
    this.events.push({ do: 'write', key, value });
    return value;
  }

  read(key: string, values: readonly number[]): void {
    this.events.push({ do: 'read', key, values });
  }

  count(key: string, count: number): void {
    this.events.push({ do: 'count', key, count });
  }

  savepoint(): number {
    const number = ++this.#savepoints;
    this.events.push({ do: 'savepoint', number });
    return number;
  }

  rollback(number: number): void {
    this.events.push({ do: 'rollback', number });
  }

  /** Only the first end counts. */
  end(told: Told): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#end(told);
  }
}

/** Writes a history down while it happens. */
export class Recorder {
  readonly #transactions: RecordedTransaction[] = [];
  #moment = 0;
  #value = 0;

  /** A moment later than all before. */
  moment(): number {
    return ++this.#moment;
  }

  /** Begins a transaction whose begin was not asked for before the moment `begun`. */
  begin(label: string, begun: number): Recording {
    const number = this.#transactions.length + 1;
    // It keeps its place, also when it never ends.
    this.#transactions.push({ number, label, begun, ended: Number.POSITIVE_INFINITY, told: 'unknown', events: [] });
    return new Recording(
      () => ++this.#value,
      (told, events) => {
        this.#transactions[number - 1] = { number, label, begun, ended: this.moment(), told, events };
      },
    );
  }

  history(stored: ReadonlyMap<string, readonly number[]>): History {
    return { transactions: this.#transactions, stored };
  }
}
