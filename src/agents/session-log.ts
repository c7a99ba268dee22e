import { UsageError } from '../errors/configuration.js';
import { normalisedStatements } from '../surrealql/normalised-statements.js';
import { chainStart, hashOf } from './hash-chain.js';

/** Something that an agent did and reports itself, for the log of its session. */
export type TransactionOperation =
  | { readonly type: 'Read'; readonly path: string }
  | {
      readonly type: 'Write';
      readonly path: string;
      /** The hash of what was written, in any form. Default: the SHA-256 of `content`, in hexadecimal digits. */
      readonly contentHash?: string | undefined;
      /** What was written, if there is no `contentHash`; only its hash is kept. A text is hashed as UTF-8. */
      readonly content?: string | Uint8Array | undefined;
    }
  | { readonly type: 'Delete'; readonly path: string }
  | { readonly type: 'Query'; readonly query: string };

/** A {@link TransactionOperation} as the log keeps it: with the hash of the content instead of the content. */
export type RecordedOperation =
  | { readonly type: 'Read' | 'Delete'; readonly path: string }
  | { readonly type: 'Write'; readonly path: string; readonly contentHash: string }
  | { readonly type: 'Query'; readonly query: string };

/** An operation that the program has recorded. */
export interface OperationEntry {
  readonly kind: 'operation';
  /** Counted from 1 in each session, without gaps. */
  readonly id: number;
  /** When it was recorded, in milliseconds since 1970. */
  readonly at: number;
  readonly operation: RecordedOperation;
  readonly outcome: 'pending' | 'committed' | 'aborted';
  /** Why it was aborted. */
  readonly reason?: string;
}

/** A single call, or a transaction, that went through the session. */
export interface CallEntry {
  readonly kind: 'call' | 'transaction';
  /** Counted from 1 in each session, without gaps. */
  readonly id: number;
  /** When it began, in milliseconds since 1970. */
  readonly at: number;
  /** In milliseconds. */
  readonly duration: number;
  /** What was sent, without any value: `CREATE person SET name = ?`. */
  readonly statements: readonly string[];
  readonly outcome: 'committed' | 'aborted' | 'unknown';
  /** Why it was aborted, or why its outcome is not known. */
  readonly reason?: string;
}

/** One entry of the log of a session. */
export type LogEntry = OperationEntry | CallEntry;

/** What the session tells of a call or a transaction that has ended. `texts`: what was sent, values and all. */
export interface EndedCall extends Omit<CallEntry, 'id' | 'statements'> {
  readonly texts: readonly string[];
}

/** The handle of a recorded operation. An entry ends once; afterwards it cannot change any more. */
export class RecordedEntry {
  readonly #entry: Changeable;
  readonly #count: CountRecorded;

  /** @internal */
  constructor(entry: Changeable, count: CountRecorded) {
    this.#entry = entry;
    this.#count = count;
  }

  /** The number of the entry in its session, from 1 on. */
  get id(): number {
    return this.#entry.id;
  }

  get outcome(): 'pending' | 'committed' | 'aborted' {
    return this.#entry.outcome;
  }

  /**
   * What was recorded is done.
   *
   * @throws UsageError when the entry was committed or aborted before
   */
  committed(): void {
    end(this.#entry, 'committed');
    this.#count('committed');
  }

  /**
   * What was recorded was not done, or was undone.
   *
   * @param reason why, for the log
   * @throws UsageError when the entry was committed or aborted before
   */
  aborted(reason?: string): void {
    end(this.#entry, 'aborted', reason);
    this.#count('aborted');
  }
}

/** Counts what the program recorded, and how it ended. */
export type CountRecorded = (what: 'recorded' | 'committed' | 'aborted') => void;

type Changeable = { -readonly [Name in keyof OperationEntry]: OperationEntry[Name] };

function end(entry: Changeable, outcome: 'committed' | 'aborted', reason?: string): void {
  if (entry.outcome !== 'pending') {
    throw new UsageError(`entry ${entry.id} of the log is ${entry.outcome} already, and stays so: record a new one`);
  }
  if (reason !== undefined && typeof reason !== 'string') {
    throw new UsageError('the reason of an aborted entry is to be a text');
  }
  entry.outcome = outcome;
  if (reason !== undefined) entry.reason = reason;
}

/**
 * What a session did: a ring that keeps the newest entries and counts those that fell out. Nothing is allocated before
 * the first entry.
 *
 * With a hash chain each exported line holds the SHA-256 of the line before. An entry that falls out is hashed first, so
 * the chain goes on, and the first line of an export still names the one that is gone. An entry that is pending in one
 * export has another line in the next, once it has ended.
 */
export class SessionLog {
  readonly #now: () => number;
  readonly #count: CountRecorded;
  readonly #chained: boolean;
  #size: number;
  /** A ring: the oldest entry is at `#oldest` once it is full, and at 0 before. */
  #entries: (Changeable | CallEntry)[] | undefined;
  #oldest = 0;
  #lastId = 0;
  #dropped = 0;
  /** The hash of the newest entry that fell out. */
  #droppedHash = chainStart;

  /**
   * @param size how many entries are kept; 0 keeps none
   * @param chained whether an export has a hash chain
   * @param count called for each operation that the program records, and when it ends
   * @param now the time of day in milliseconds since 1970
   */
  constructor(size: number, chained = false, count: CountRecorded = () => {}, now: () => number = Date.now) {
    this.#size = size;
    this.#count = count;
    this.#chained = chained;
    this.#now = now;
  }

  /** How many entries have fallen out, or were never kept. */
  get dropped(): number {
    return this.#dropped;
  }

  /** How many entries are kept at most. */
  get size(): number {
    return this.#size;
  }

  /** Keeps fewer or more entries from now on. The oldest ones fall out first. */
  resize(size: number): void {
    const entries = this.#inOrder();
    this.#size = size;
    while (entries.length > size) this.#drop(entries.shift());
    this.#entries = entries.length === 0 ? undefined : entries;
    this.#oldest = 0;
  }

  /**
   * Records an operation of the program. It is pending until it is `committed()` or `aborted()`.
   *
   * @throws UsageError for what is no operation
   */
  record(operation: TransactionOperation): RecordedEntry {
    const recorded = readOperation(operation);
    const entry: Changeable = {
      kind: 'operation',
      id: ++this.#lastId,
      at: this.#now(),
      operation: recorded,
      outcome: 'pending',
    };
    this.#keep(entry);
    this.#count('recorded');
    return new RecordedEntry(entry, this.#count);
  }

  /** Adds a call or a transaction that has ended. */
  add({ kind, at, duration, texts, outcome, reason }: EndedCall): void {
    const id = ++this.#lastId;
    if (this.#size === 0 && !this.#chained) {
      this.#dropped++;
      return;
    }
    const [text = ''] = texts;
    const statements = texts.length === 1 ? normalisedStatements(text) : texts.flatMap(normalisedStatements);
    this.#keep({ kind, id, at, duration, statements, outcome, ...(reason !== undefined && { reason }) });
  }

  /**
   * The handle of an operation by the id of its entry; undefined when it has fallen out.
   *
   * @throws UsageError for an id under which no operation was recorded
   */
  find(id: number): RecordedEntry | undefined {
    if (!Number.isSafeInteger(id) || id < 1 || id > this.#lastId) throw noSuchEntry(id);
    if (id <= this.#dropped) return undefined;
    const place = this.#oldest + id - this.#dropped - 1;
    const entries = this.#entries ?? [];
    const entry = entries[place % entries.length];
    if (entry?.kind !== 'operation') throw noSuchEntry(id);
    return new RecordedEntry(entry, this.#count);
  }

  /** The entries that are kept, oldest first: copies, which do not change any more. */
  history(): readonly LogEntry[] {
    return this.#inOrder().map((entry) => ({ ...entry }));
  }

  /**
   * The entries that are kept now as lines of JSON, oldest first, without the ends of the lines. With a hash chain a
   * last line says how many there were, so that a cut is seen: see {@link verifyChain}.
   */
  async *export(): AsyncIterable<string> {
    // A copy: entries may be recorded, and fall out, between two lines.
    const [entries, dropped] = [this.history(), this.#dropped];
    if (!this.#chained) {
      for (const entry of entries) yield JSON.stringify(entry);
      return;
    }
    let prev = this.#droppedHash;
    for (const entry of entries) {
      const line = chainedLine(entry, prev);
      prev = hashOf(line);
      yield line;
    }
    yield JSON.stringify({ kind: 'end', entries: entries.length, dropped, prev });
  }

  #keep(entry: Changeable | CallEntry): void {
    if (this.#size === 0) {
      this.#drop(entry);
      return;
    }
    this.#entries ??= [];
    if (this.#entries.length < this.#size) {
      this.#entries.push(entry);
      return;
    }
    this.#drop(this.#entries[this.#oldest]);
    this.#entries[this.#oldest] = entry;
    this.#oldest = (this.#oldest + 1) % this.#size;
  }

  #drop(entry: LogEntry | undefined): void {
    if (entry === undefined) return;
    this.#dropped++;
    if (this.#chained) this.#droppedHash = hashOf(chainedLine(entry, this.#droppedHash));
  }

  #inOrder(): (Changeable | CallEntry)[] {
    const entries = this.#entries ?? [];
    return [...entries.slice(this.#oldest), ...entries.slice(0, this.#oldest)];
  }
}

function chainedLine(entry: LogEntry, prev: string): string {
  return JSON.stringify({ ...entry, prev });
}

function noSuchEntry(id: unknown): UsageError {
  return new UsageError(`the log of the session has no recorded operation ${String(id)}: give the id of one`);
}

/** Copies an operation, each part read once: what the caller changes later changes no log. */
function readOperation(operation: unknown): RecordedOperation {
  const { type, path, query, contentHash, content } = Object(operation) as Record<string, unknown>;
  switch (type) {
    case 'Read':
    case 'Delete':
      return { type, path: requireText(path, type, 'path') };
    case 'Write':
      return { type, path: requireText(path, type, 'path'), contentHash: hashOfContent(contentHash, content) };
    case 'Query':
      return { type, query: requireText(query, type, 'query') };
    default:
      throw new UsageError('the type of a recorded operation is to be "Read", "Write", "Delete" or "Query"');
  }
}

function requireText(given: unknown, type: string, name: string): string {
  if (typeof given === 'string' && given !== '') return given;
  throw new UsageError(`a recorded operation of the type ${type} needs a ${name}, which is a text`);
}

function hashOfContent(hash: unknown, content: unknown): string {
  if (hash !== undefined) return requireText(hash, 'Write', 'contentHash');
  if (typeof content === 'string' || content instanceof Uint8Array) {
    return hashOf(content);
  }
  throw new UsageError(
    'a recorded operation of the type Write needs a contentHash, or a content: a text or a Uint8Array',
  );
}
