import { setTimeout as pause } from 'node:timers/promises';
import {
  type ConnectionManager,
  outcomeOf,
  PoolError,
  SavepointDivergedError,
  SavepointLimitError,
  SavepointUnsupportedError,
  TransactionAbortedError,
  TransactionConflictError,
} from '../../src/index.js';
import { type History, Recorder, type Recording, type Told } from './history.js';
import { Attempt, append, insert, prepareLists, storedLists, toggle, Wanted } from './list-append-attempt.js';
import { drawKeys, drawProgram, type Keys } from './list-append-program.js';
import { between, oneOf, type Random, seededRandom } from './seeded-random.js';
import { anomaliesOf } from './serialization-graph.js';
import { accountOf } from './transaction-account.js';

export interface ListAppendOptions {
  readonly seed: number;
  /** How many run transactions, and how many of them each. */
  readonly workers: number;
  readonly transactionsEach: number;
  /** How many write beside them, one call after the other without a transaction. */
  readonly writers: number;
  readonly savepoints: boolean;
  readonly verifyCommit: boolean;
  /** Whether the network fails, so that the pool may refuse for more reasons. */
  readonly faults: boolean;
  /** Asks the server beside the pool and its faults. */
  readonly ask: (text: string) => Promise<unknown[]>;
}

/** What happened, so that a test sees whether it was enough. */
export interface Tally {
  committed: number;
  refused: number;
  unknown: number;
  /** Parts and calls that were undone alone in transactions that were committed. */
  undone: number;
  /** Calls of the writers that were applied. */
  singles: number;
}

/** The errors with which the pool may refuse a transaction on a network without faults. */
const refusals = [
  SavepointDivergedError,
  SavepointLimitError,
  SavepointUnsupportedError,
  TransactionAbortedError,
  TransactionConflictError,
];

/**
 * Random transactions on a few lists and sets, all at once: what the caller of them saw and was told, transaction by
 * transaction. The same seed draws the same programs; how they meet is up to the machine.
 */
export class ListAppend {
  readonly tally: Tally = { committed: 0, refused: 0, unknown: 0, undone: 0, singles: 0 };
  /** Errors that a caller must not get. */
  readonly unexpected: unknown[] = [];
  readonly #pool: ConnectionManager;
  readonly #options: ListAppendOptions;
  readonly #recorder = new Recorder();
  readonly #keys: Keys;
  readonly #randoms: Random;
  #waiting: (() => void)[] = [];
  #over = false;

  constructor(pool: ConnectionManager, options: ListAppendOptions) {
    this.#pool = pool;
    this.#options = options;
    const random = seededRandom(options.seed);
    this.#keys = drawKeys(random);
    this.#randoms = random;
  }

  async run(): Promise<History> {
    const { ask, workers, writers } = this.#options;
    await prepareLists(ask, this.#keys);
    const working = Array.from({ length: workers }, (_, worker) => this.#work(worker + 1, this.#nextRandom()));
    const writing = Array.from({ length: writers }, (_, writer) => this.#write(writer + 1, this.#nextRandom()));
    await Promise.all(working);
    this.#over = true;
    await Promise.all(writing);
    return this.#recorder.history(await storedLists(ask, this.#keys.groups));
  }

  /** Random numbers of its own for each worker: the order in which workers draw must not matter. */
  #nextRandom(): Random {
    return seededRandom(Math.floor(this.#randoms() * 2 ** 32));
  }

  async #work(worker: number, random: Random): Promise<void> {
    const { transactionsEach, savepoints, verifyCommit } = this.#options;
    for (let turn = 1; turn <= transactionsEach; turn++) {
      const program = drawProgram(random, this.#keys, savepoints);
      let begun = this.#recorder.moment();
      const attempts: { readonly recording: Recording; readonly run: Attempt }[] = [];
      const work = this.#pool.withTransaction(
        async (transaction, attempt) => {
          attempts.at(-1)?.recording.end('aborted');
          const recording = this.#recorder.begin(`worker ${worker}, program ${turn}, attempt ${attempt}`, begun);
          const run = new Attempt(transaction, recording, program, () => this.#wait());
          attempts.push({ recording, run });
          try {
            await run.run();
          } finally {
            // The next attempt begins after this.
            begun = this.#recorder.moment();
          }
        },
        {
          verifyCommit,
          savepoints,
          onStatementError: program.onStatementError,
          retry: { maxAttempts: 6, initialBackoff: 1, maxBackoff: 10 },
        },
      );
      const [result] = await Promise.allSettled([work]);
      const last = attempts.at(-1);
      if (result.status === 'fulfilled') {
        last?.recording.end('committed');
        this.tally.committed++;
        this.tally.undone += last?.run.undone ?? 0;
      } else this.#failed(result.reason, last?.recording);
      this.#tell();
    }
  }

  #failed(error: unknown, recording: Recording | undefined): void {
    const told = toldBy(error);
    recording?.end(told);
    if (told === 'unknown') this.tally.unknown++;
    else this.tally.refused++;
    const allowed = this.#options.faults ? [Wanted, PoolError] : [Wanted, ...refusals];
    if (!allowed.some((kind) => error instanceof kind)) this.unexpected.push(error);
  }

  /** Writes without transactions, until the workers have ended. */
  async #write(writer: number, random: Random): Promise<void> {
    const { hot, cold, groups, places } = this.#keys;
    for (let turn = 1; !this.#over; turn++) {
      if (random() < 0.3) await toggle(this.#pool, between(random, 1, places)).catch(() => {});
      const recording = this.#recorder.begin(`writer ${writer}, call ${turn}`, this.#recorder.moment());
      const call =
        random() < 0.3
          ? insert(this.#pool, recording, oneOf(random, groups), 'text')
          : append(this.#pool, recording, oneOf(random, random() < 0.5 ? hot : cold));
      const [result] = await Promise.allSettled([call]);
      if (result.status === 'fulfilled') {
        recording.end('committed');
        this.tally.singles++;
        this.#tell();
      } else recording.end(toldBy(result.reason));
      await pause(between(random, 0, 12));
    }
  }

  /** Resolves when another worker or writer has written, and not much later. */
  async #wait(): Promise<void> {
    await Promise.race([new Promise<void>((resolve) => this.#waiting.push(resolve)), pause(5)]);
  }

  #tell(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** What an error tells its caller. Of what a program throws itself nothing is applied. */
function toldBy(error: unknown): Told {
  const outcome: string = error instanceof Wanted ? 'not-sent' : outcomeOf(error);
  if (outcome === 'unknown') return 'unknown';
  return outcome === 'applied' ? 'committed' : 'aborted';
}

/** In how many committed transactions something was read behind a savepoint, and that was undone. */
export function withUndoneReads({ transactions }: History): number {
  const committed = transactions.filter(({ told }) => told === 'committed').map(accountOf);
  return committed.filter(({ seen }) => [...seen.values()].some(({ undone }) => undone)).length;
}

/** Says what is wrong with a history, if anything is, and how to have it again. */
export function judged(history: History, seed: number): string {
  const anomalies = anomaliesOf(history);
  if (anomalies.length === 0) return '';
  const counts = new Map<string, number>();
  for (const { kind } of anomalies) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const kinds = [...counts].map(([kind, count]) => `${count} × ${kind}`).join(', ');
  const first = [...counts.keys()].map((kind) => anomalies.find((each) => each.kind === kind));
  const texts = first.map((anomaly) => `\n  ${anomaly?.kind}: ${anomaly?.text}`).join('');
  return `with the seed ${seed}: ${kinds}; the first of each kind:${texts}`;
}
