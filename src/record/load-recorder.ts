import { messageOf } from '../errors/error-message.js';
import { RecentTexts } from '../surrealql/recent-texts.js';
import {
  type AcquireTrace,
  acquireChannel,
  type QueryTrace,
  queryChannel,
  type ReleaseMessage,
  releaseChannel,
  type TransactionTrace,
  transactionChannel,
} from '../telemetry/channels.js';
import { systemClock, type Timer } from '../time/clock.js';
import { classOf } from './error-class.js';
import { Numbers } from './numbers.js';
import { RecordedPool } from './recorded-pool.js';
import type { RecordedCall, RecordedUnit } from './recorded-unit.js';
import { RecordingFile } from './recording-file.js';
import { type RecordingEnd, recordingVersion, rounded, type ShapeLine, type UnitLine } from './recording-format.js';
import { shapeOf } from './statement-shape.js';

/** What a recording holds. */
export interface RecordingSummary {
  /**
   * Why it ended: `stopped` by `stop()`, `exit` of the process, `maxDuration` or `maxBytes` reached, or `failed`: the file
   * could not be written any more.
   */
  readonly end: RecordingEnd | 'failed';
  /** How long it lasted, in milliseconds. */
  readonly duration: number;
  /** Units of work in the file. */
  readonly units: number;
  /** Calls to the database in them. */
  readonly calls: number;
  /** Units that are not in the file, since the disk was slower than they came. */
  readonly lost: number;
  /** The size of the file. */
  readonly bytes: number;
  /** Why it could not be written any more, with `failed`. */
  readonly error?: Error;
}

export interface RecordingLimits {
  /** In milliseconds; 0 for no limit. */
  readonly maxDuration: number;
  readonly maxBytes: number;
}

/** The most shapes of statements that are told apart; the number 0 stands for all others. */
const mostShapes = 1_000;

/** The longest text whose shape is remembered, in characters. */
const longestKnown = 1_000;

/** The steps of a transaction that take time of the server, with the names of their statements. */
const stepNames: Readonly<Partial<Record<TransactionTrace['step'], string>>> = {
  begin: 'BEGIN',
  commit: 'COMMIT',
  rollback: 'CANCEL',
  savepoint: 'SAVEPOINT',
  rollbackToSavepoint: 'ROLLBACK TO SAVEPOINT',
  releaseSavepoint: 'RELEASE SAVEPOINT',
  fence: 'FENCE',
};

/** The channels of a tracing channel that are subscribed; the others tell nothing more. */
type Listener<Trace> = { readonly start: (trace: Trace) => void; readonly asyncEnd: (trace: Trace) => void };

/** Node puts the error of failed work into the trace. */
type Failed = { readonly error?: unknown };

/** Writes down what all pools of this process do, from their channels. It costs nothing after it has ended. */
export class LoadRecorder {
  readonly #file: RecordingFile;
  readonly #began = systemClock.now();
  readonly #pools = new Map<number, RecordedPool>();
  readonly #shapes = new Numbers<string>(mostShapes);
  readonly #written = new Set<number>();
  /** The shape of each text, for the texts that were seen last: a program sends the same ones again and again. */
  readonly #known = new RecentTexts<number>();
  /** By their traces, until these have ended. */
  readonly #units = new Map<object, RecordedUnit>();
  readonly #calls = new Map<object, RecordedCall>();
  readonly #unsubscribe: (() => void)[] = [];
  readonly #timer: Timer | undefined;
  #unitCount = 0;
  #callCount = 0;
  #lost = 0;
  #isOver = false;
  #summary: Promise<RecordingSummary> | undefined;
  readonly #onExit = (): void => this.#endNow();

  /** @throws ConfigurationError when the file is there already, or cannot be made */
  constructor(
    path: string,
    { maxDuration, maxBytes }: RecordingLimits,
    disk?: ConstructorParameters<typeof RecordingFile>[3],
  ) {
    this.#file = new RecordingFile(path, maxBytes, (error) => this.#failed(path, error), disk);
    this.#file.add({ surrealPoolRecording: recordingVersion, startedAt: new Date().toISOString() });
    this.#timer =
      maxDuration === 0 ? undefined : systemClock.timer(maxDuration, false, () => void this.end('maxDuration'));
    this.#subscribe();
  }

  /** Ends the recording, if it has not ended; resolves when its file is closed. */
  end(end: RecordingEnd | 'failed'): Promise<RecordingSummary> {
    this.#summary ??= this.#end(end);
    return this.#summary;
  }

  async #end(end: RecordingEnd | 'failed'): Promise<RecordingSummary> {
    const duration = this.#leave();
    if (end !== 'failed') await this.#file.end(this.#lastLine(end));
    // Only now: while the last lines are being written, they still have to be written before the process exits.
    process.removeListener('exit', this.#onExit);
    const { failure: error, size: bytes } = this.#file;
    const counts = { duration, units: this.#unitCount, calls: this.#callCount, lost: this.#lost, bytes };
    return error === undefined ? { end, ...counts } : { end: 'failed', ...counts, error };
  }

  /** The process exits: no thread of Node writes any more. */
  #endNow(): void {
    if (!this.#isOver) this.#leave();
    this.#file.endNow(this.#lastLine('exit'));
  }

  /** Listens no more, and writes down what is under way. Returns how long the recording lasted. */
  #leave(): number {
    this.#isOver = true;
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#timer?.cancel();
    const now = this.#now();
    for (const pool of this.#pools.values()) {
      pool.settle(now);
      for (const unit of pool.units.values()) this.#add(unit, unit.ended(now, true));
      pool.units.clear();
    }
    this.#units.clear();
    this.#calls.clear();
    return now;
  }

  #lastLine(end: RecordingEnd | 'failed'): object {
    return { end, at: rounded(this.#now()), units: this.#unitCount, calls: this.#callCount, lost: this.#lost };
  }

  #failed(path: string, error: Error): void {
    if (!this.#isOver) void this.end('failed');
    process.emitWarning(
      `the recording ${path} cannot be written any more, and ends: ${messageOf(error)}`,
      'SurrealPoolWarning',
    );
  }

  #subscribe(): void {
    const listen = <Trace extends object>(
      tracing: { subscribe(listener: never): void; unsubscribe(listener: never): void },
      listener: Listener<Trace>,
    ): void => {
      tracing.subscribe(listener as never);
      this.#unsubscribe.push(() => tracing.unsubscribe(listener as never));
    };
    listen<AcquireTrace>(acquireChannel, {
      start: (trace) => this.#asked(trace),
      asyncEnd: (trace) => this.#lent(trace),
    });
    listen<QueryTrace>(queryChannel, {
      start: (trace) => this.#called(trace),
      asyncEnd: (trace) => this.#answered(trace),
    });
    listen<TransactionTrace>(transactionChannel, {
      start: (trace) => this.#stepped(trace),
      asyncEnd: (trace) => this.#answered(trace),
    });
    const released = (message: unknown): void => this.#released(message as ReleaseMessage);
    releaseChannel.subscribe(released);
    this.#unsubscribe.push(() => releaseChannel.unsubscribe(released));
    process.on('exit', this.#onExit);
  }

  #asked(trace: AcquireTrace): void {
    const pool = this.#poolOf(trace);
    if (pool.maxConnections !== trace.maxConnections) {
      const { maxConnections } = trace;
      if (this.#write({ pool: pool.number, maxConnections })) pool.maxConnections = maxConnections;
    }
    this.#units.set(trace, pool.asked(trace, this.#now()));
  }

  #lent(trace: AcquireTrace & Failed): void {
    const unit = this.#units.get(trace);
    if (unit === undefined) return;
    this.#units.delete(trace);
    const now = this.#now();
    const { lease, connection } = trace;
    if (lease === undefined || connection === undefined) this.#add(unit, unit.failed(classOf(trace.error), now));
    else this.#poolOf(trace).lent(unit, lease, connection, now);
  }

  #called(trace: QueryTrace): void {
    const unit = this.#poolOf(trace).units.get(trace.lease);
    if (unit !== undefined) this.#begin(trace, unit, this.#shapeOf(trace.text));
  }

  #stepped(trace: TransactionTrace): void {
    const name = stepNames[trace.step];
    const unit = this.#poolOf(trace).holderOf(trace.connection);
    if (name === undefined || unit === undefined) return;
    unit.kind = 'transaction';
    this.#begin(trace, unit, this.#numberOf({ operation: name, text: name }));
  }

  #begin(trace: object, unit: RecordedUnit, shape: number): void {
    const call = unit.begin(shape, this.#now());
    if (call !== undefined) this.#calls.set(trace, call);
  }

  #answered(trace: object & Failed): void {
    const call = this.#calls.get(trace);
    if (call === undefined) return;
    this.#calls.delete(trace);
    call.took = this.#now() - call.began;
    if (trace.error !== undefined) call.error = classOf(trace.error);
  }

  #released(message: ReleaseMessage): void {
    const now = this.#now();
    const unit = this.#poolOf(message).released(message.lease, message.connection, now);
    if (unit !== undefined) this.#add(unit, unit.ended(now, false));
  }

  #add(unit: RecordedUnit, line: UnitLine): void {
    if (this.#write(line)) {
      this.#unitCount++;
      this.#callCount += unit.callCount;
    } else {
      this.#lost++;
    }
    this.#endIfFull();
  }

  /** Returns false when there was no room for it, in the file or in front of a slow disk. */
  #write(line: object): boolean {
    return !this.#file.isFull && this.#file.add(line);
  }

  #endIfFull(): void {
    if (this.#file.isFull && !this.#isOver) void this.end('maxBytes');
  }

  #poolOf({ poolId }: { readonly poolId: number }): RecordedPool {
    const known = this.#pools.get(poolId);
    if (known !== undefined) return known;
    const pool = new RecordedPool(this.#pools.size + 1);
    this.#pools.set(poolId, pool);
    return pool;
  }

  #shapeOf(text: string): number {
    const known = this.#known.of(text);
    if (known !== undefined) return known;
    const number = this.#numberOf(shapeOf(text));
    if (number === 0 || text.length > longestKnown) return number;
    this.#known.remember(text, number);
    return number;
  }

  #numberOf(shape: Omit<ShapeLine, 'shape'>): number {
    const number = this.#shapes.of(shape.text);
    if (number === 0 || this.#written.has(number)) return number;
    // A line that was dropped is written at the next call; this one has no shape.
    const isWritten = this.#write({ shape: number, ...shape });
    if (isWritten) this.#written.add(number);
    this.#endIfFull();
    return isWritten ? number : 0;
  }

  #now(): number {
    return systemClock.now() - this.#began;
  }
}
