import { type AgentLimit, AgentLimitError } from '../errors/agent.js';
import { UsageError } from '../errors/configuration.js';
import type { CallOutcome } from '../errors/pool-error.js';
import type { Clock } from '../time/clock.js';
import { changedLimits, type GivenLimits, type Limits, noLimits, resolveLimits } from './limits.js';
import { TokenBucket } from './token-bucket.js';

/** Which session it is, for errors and guard functions. */
export interface SessionNames {
  readonly sessionId: string;
  readonly agentId: string;
}

/** How often a session was refused, by limit; one that never refused is left out. */
export type Refusals = Readonly<Partial<Record<AgentLimit, number>>>;

/** What a session and its children have used. */
export interface UsageCounters {
  /** Connections at present, those of single calls that run and of callers that wait for one included. */
  readonly activeConnections: number;
  /** Operations that were admitted and not given back. */
  readonly operations: number;
  /** Transactions that were admitted and not given back: open ones, and those that ended in one of three ways. */
  readonly transactions: number;
  readonly openTransactions: number;
  readonly committedTransactions: number;
  readonly abortedTransactions: number;
  /** Transactions of which it is not known whether they were committed. */
  readonly unknownTransactions: number;
  /** What arrived in answers, discarded ones included. */
  readonly rows: number;
  readonly bytes: number;
  /** How long connections worked for it, in milliseconds. */
  readonly busyTime: number;
  /** Operations that the program recorded in the log. */
  readonly recorded: Readonly<RecordedCounters>;
  readonly refused: Refusals;
}

/** Operations that the program recorded: in all, and those that it said were committed or aborted. */
export interface RecordedCounters {
  recorded: number;
  committed: number;
  aborted: number;
}

const noneRecorded: RecordedCounters = Object.freeze({ recorded: 0, committed: 0, aborted: 0 });

const neverRefused: Refusals = Object.freeze({});
/** The weight of the newest time in the average of how long connections are held. */
const shareOfNewest = 0.2;

/**
 * The exact count of what a session uses, and its limits. What a session uses counts for all its parents too.
 *
 * A check looks at the whole chain of parents first and counts only when all of them admit, in one synchronous step. So
 * no limit is passed by a single operation however many callers come at once, and a refusal at a parent leaves nothing
 * counted at the child.
 */
export class Usage {
  readonly #owner: SessionNames;
  readonly #parent: Usage | undefined;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #onViolation: ((error: AgentLimitError) => void) | undefined;
  #given: GivenLimits;
  #limits: Limits;
  /** Present while there is a rate. */
  #bucket: TokenBucket | undefined;
  #connections = 0;
  #operations = 0;
  #transactions = 0;
  #openTransactions = 0;
  #committed = 0;
  #aborted = 0;
  #unknown = 0;
  #rows = 0;
  #bytes = 0;
  #busyTime = 0;
  /** How long connections were held lately, in milliseconds; undefined before the first was released. */
  #usualHold: number | undefined;
  #refused: Partial<Record<AgentLimit, number>> | undefined;
  #recorded: RecordedCounters | undefined;

  /**
   * @param limits see `ResourceLimits`
   * @param onViolation called with each error that this session gets, before it is thrown
   * @throws ConfigurationError for limits that cannot be used
   */
  constructor(
    owner: SessionNames,
    limits: unknown,
    parent: Usage | undefined,
    clock: Pick<Clock, 'now'>,
    onViolation?: (error: AgentLimitError) => void,
  ) {
    this.#owner = owner;
    this.#parent = parent;
    this.#clock = clock;
    this.#onViolation = onViolation;
    this.#given = changedLimits(noLimits, limits);
    this.#limits = resolveLimits(this.#given);
    this.#fitBucket();
  }

  /** The limits of the session itself, as they were given. */
  get given(): GivenLimits {
    return this.#given;
  }

  /** The limits of the session itself, with everything filled in. */
  get limits(): Limits {
    return this.#limits;
  }

  /**
   * Replaces the limits that are given; undefined keeps one, null takes it back. What was used stays counted.
   *
   * @throws ConfigurationError for limits that cannot be used; then all stay as they are
   */
  change(limits: unknown): void {
    this.#given = changedLimits(this.#given, limits);
    this.#limits = resolveLimits(this.#given);
    this.#fitBucket();
  }

  /** @throws AgentLimitError when `maxOperations` or `operationsPerSecond` of the session or of a parent is reached */
  admitOperation(): void {
    // A limit in all comes first: a caller who is told to come back later would come in vain.
    for (let usage: Usage | undefined = this; usage !== undefined; usage = usage.#parent) {
      const { maxOperations } = usage.#limits;
      if (usage.#operations >= maxOperations) {
        throw this.#refusal(usage, 'maxOperations', maxOperations, usage.#operations);
      }
    }
    const now = this.#admitToBuckets();
    for (let usage: Usage | undefined = this; usage !== undefined; usage = usage.#parent) {
      usage.#operations++;
      usage.#bucket?.take(now);
    }
  }

  /** Gives back an operation that was admitted and never ran. */
  giveBackOperation(): void {
    this.#requireCounted(this.#operations, 'operation');
    for (let usage: Usage | undefined = this; usage !== undefined; usage = usage.#parent) {
      usage.#operations--;
      usage.#bucket?.giveBack(this.#clock.now());
    }
  }

  /**
   * Counts a connection from the moment it is asked for, so that callers who come together cannot pass the limit. With
   * `atMaxConnections: 'wait'` it refuses nothing: the pool makes the caller wait.
   *
   * @throws AgentLimitError when `maxConnections` of the session or of a parent is in use
   */
  admitConnection(): void {
    for (let usage: Usage | undefined = this; usage !== undefined; usage = usage.#parent) {
      const { maxConnections, refusesAtMaxConnections } = usage.#limits;
      if (refusesAtMaxConnections && usage.#connections >= maxConnections) {
        const retryAfter = usage.#untilRelease();
        throw this.#refusal(usage, 'maxConnections', maxConnections, usage.#connections, retryAfter);
      }
    }
    for (let usage: Usage | undefined = this; usage !== undefined; usage = usage.#parent) usage.#connections++;
  }

  /** @param held how long it was held, in milliseconds; undefined when none was lent */
  releaseConnection(held?: number): void {
    this.#requireCounted(this.#connections, 'connection');
    for (let usage: Usage | undefined = this; usage !== undefined; usage = usage.#parent) {
      usage.#connections--;
      if (held !== undefined) {
        const usual = usage.#usualHold ?? held;
        usage.#usualHold = usual + shareOfNewest * (held - usual);
      }
    }
  }

  /**
   * The error for a caller who finds as many waiting as may; the pool counts them.
   *
   * @param owner whose limit it is: this session or a parent
   */
  refuseWaiting(owner: Usage, waiting: number): AgentLimitError {
    return this.#refusal(owner, 'maxWaiting', owner.#limits.maxWaiting, waiting);
  }

  /** @throws AgentLimitError when `maxTransactions` of the session or of a parent is reached */
  admitTransaction(): void {
    for (let usage: Usage | undefined = this; usage !== undefined; usage = usage.#parent) {
      const { maxTransactions } = usage.#limits;
      if (usage.#transactions >= maxTransactions) {
        throw this.#refusal(usage, 'maxTransactions', maxTransactions, usage.#transactions);
      }
    }
    for (let usage: Usage | undefined = this; usage !== undefined; usage = usage.#parent) {
      usage.#transactions++;
      usage.#openTransactions++;
    }
  }

  /** Gives back a transaction that was admitted and never begun. */
  giveBackTransaction(): void {
    this.#requireCounted(this.#openTransactions, 'transaction');
    for (let usage: Usage | undefined = this; usage !== undefined; usage = usage.#parent) {
      usage.#transactions--;
      usage.#openTransactions--;
    }
  }

  /** The program recorded an operation in the log, or said how one ended. It counts for no limit. */
  countRecorded(what: keyof RecordedCounters): void {
    for (let usage: Usage | undefined = this; usage !== undefined; usage = usage.#parent) {
      usage.#recorded ??= { recorded: 0, committed: 0, aborted: 0 };
      usage.#recorded[what]++;
    }
  }

  /** An open transaction was committed. */
  committed(): void {
    this.#requireCounted(this.#openTransactions, 'transaction');
    for (let usage: Usage | undefined = this; usage !== undefined; usage = usage.#parent) {
      usage.#openTransactions--;
      usage.#committed++;
    }
  }

  /** An open transaction ended, and nothing of it is applied. */
  aborted(): void {
    this.#requireCounted(this.#openTransactions, 'transaction');
    for (let usage: Usage | undefined = this; usage !== undefined; usage = usage.#parent) {
      usage.#openTransactions--;
      usage.#aborted++;
    }
  }

  /** An open transaction ended, and it is not known whether it was committed. */
  unknown(): void {
    this.#requireCounted(this.#openTransactions, 'transaction');
    for (let usage: Usage | undefined = this; usage !== undefined; usage = usage.#parent) {
      usage.#openTransactions--;
      usage.#unknown++;
    }
  }

  /**
   * Counts an answer that has arrived, also one that is too large.
   *
   * @param outcome of the call whose answer is discarded: `not-sent` in a transaction, of which nothing is applied then
   * @throws AgentLimitError when it has more than `maxRows` or `maxBytes` of the session or of a parent
   */
  checkAnswer(rows: number, bytes: number, outcome: CallOutcome = 'unknown'): void {
    for (let usage: Usage | undefined = this; usage !== undefined; usage = usage.#parent) {
      usage.#rows += rows;
      usage.#bytes += bytes;
    }
    for (let usage: Usage | undefined = this; usage !== undefined; usage = usage.#parent) {
      const { maxRows, maxBytes } = usage.#limits;
      if (rows > maxRows) throw this.#refusal(usage, 'maxRows', maxRows, rows, undefined, outcome);
      if (bytes > maxBytes) throw this.#refusal(usage, 'maxBytes', maxBytes, bytes, undefined, outcome);
    }
  }

  /** @param duration how long a connection worked for the session, in milliseconds */
  addTime(duration: number): void {
    for (let usage: Usage | undefined = this; usage !== undefined; usage = usage.#parent) usage.#busyTime += duration;
  }

  /** The shortest `queryTimeout` of the session and its parents, in milliseconds; 0: none has one. */
  get queryTimeout(): number {
    return this.#shortest('queryTimeout');
  }

  /** Whether the size of answers matters: the session or a parent has `maxBytes`. */
  get measuresBytes(): boolean {
    for (let usage: Usage | undefined = this; usage !== undefined; usage = usage.#parent) {
      if (usage.#limits.maxBytes !== Number.POSITIVE_INFINITY) return true;
    }
    return false;
  }

  /** The shortest `maxTransactionAge` of the session and its parents, in milliseconds; 0: none has one. */
  get maxTransactionAge(): number {
    return this.#shortest('maxTransactionAge');
  }

  /** The shortest `maxHold` of the session and its parents, in milliseconds; 0: none has one. */
  get maxHold(): number {
    return this.#shortest('maxHold');
  }

  /**
   * Whether a call that comes now would be admitted at once: no `maxConnections`, `maxOperations` or
   * `operationsPerSecond` of the session or of a parent is reached. It counts nothing.
   */
  get isWithin(): boolean {
    const now = this.#clock.now();
    for (let usage: Usage | undefined = this; usage !== undefined; usage = usage.#parent) {
      const { maxConnections, maxOperations } = usage.#limits;
      if (usage.#connections >= maxConnections || usage.#operations >= maxOperations) return false;
      if (usage.#bucket !== undefined && usage.#bucket.retryAfter(now) > 0) return false;
    }
    return true;
  }

  /** What the session and its children have used so far. */
  get counters(): UsageCounters {
    return {
      activeConnections: this.#connections,
      operations: this.#operations,
      transactions: this.#transactions,
      openTransactions: this.#openTransactions,
      committedTransactions: this.#committed,
      abortedTransactions: this.#aborted,
      unknownTransactions: this.#unknown,
      rows: this.#rows,
      bytes: this.#bytes,
      busyTime: this.#busyTime,
      recorded: this.#recorded === undefined ? noneRecorded : { ...this.#recorded },
      refused: this.#refused === undefined ? neverRefused : { ...this.#refused },
    };
  }

  /** The present time if a bucket needs it. @throws AgentLimitError for the bucket that is empty longest */
  #admitToBuckets(): number {
    let now: number | undefined;
    let slowest: Usage | undefined;
    let retryAfter = 0;
    for (let usage: Usage | undefined = this; usage !== undefined; usage = usage.#parent) {
      if (usage.#bucket === undefined) continue;
      now ??= this.#clock.now();
      const wait = usage.#bucket.retryAfter(now);
      if (wait <= retryAfter) continue;
      retryAfter = wait;
      slowest = usage;
    }
    if (slowest === undefined) return now ?? 0;
    const { operationsPerSecond, burst } = slowest.#limits;
    throw this.#refusal(slowest, 'operationsPerSecond', operationsPerSecond, burst, retryAfter);
  }

  /** Makes the error, and counts it here and at the parents: like all counters, theirs include the children's. */
  #refusal(
    owner: Usage,
    limit: AgentLimit,
    max: number,
    value: number,
    retryAfter?: number,
    outcome?: CallOutcome,
  ): AgentLimitError {
    for (let usage: Usage | undefined = this; usage !== undefined; usage = usage.#parent) {
      usage.#refused ??= {};
      usage.#refused[limit] = (usage.#refused[limit] ?? 0) + 1;
    }
    const { sessionId, agentId } = this.#owner;
    const error = new AgentLimitError({
      ...{ sessionId, agentId, limit, max, value, retryAfter },
      scope: owner === this ? 'session' : 'parent',
      limitOf: owner.#owner.agentId,
      ...(outcome !== undefined && { outcome }),
    });
    this.#onViolation?.(error);
    return error;
  }

  /** An estimate in milliseconds of when one of the connections in use is released; undefined before any was. */
  #untilRelease(): number | undefined {
    // Connections held for the same time, and taken at different moments, are released at equal distances.
    return this.#usualHold === undefined ? undefined : Math.max(1, Math.ceil(this.#usualHold / this.#connections));
  }

  #shortest(limit: 'queryTimeout' | 'maxTransactionAge' | 'maxHold'): number {
    let shortest = 0;
    for (let usage: Usage | undefined = this; usage !== undefined; usage = usage.#parent) {
      const duration = usage.#limits[limit];
      if (duration !== 0 && (shortest === 0 || duration < shortest)) shortest = duration;
    }
    return shortest;
  }

  #fitBucket(): void {
    const { operationsPerSecond, burst } = this.#limits;
    if (operationsPerSecond === Number.POSITIVE_INFINITY) {
      this.#bucket = undefined;
      return;
    }
    const now = this.#clock.now();
    if (this.#bucket === undefined) this.#bucket = new TokenBucket(operationsPerSecond, burst, now);
    else this.#bucket.change(operationsPerSecond, burst, now);
  }

  /** A count below zero would admit too much for ever after. */
  #requireCounted(counted: number, what: string): void {
    if (counted === 0) throw new UsageError(`the session gave back more ${what}s than it was admitted`);
  }
}
