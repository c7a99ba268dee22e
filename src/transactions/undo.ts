import type { Uuid } from 'surrealdb';
import { SavepointDivergedError, SavepointLimitError } from '../errors.js';
import type { AnswerComparison, Part } from '../savepoints/answer-comparison.js';
import type { LogEntry, Mark } from '../savepoints/call-log.js';
import { EncodedValue } from '../savepoints/encoded-value.js';
import type { LoggedCall } from '../savepoints/logged-call.js';
import { type CallDifference, Rerun } from '../savepoints/rerun.js';
import { type Savepoints, timeGivenBack } from '../savepoints/savepoints.js';
import type { SchemaScan } from '../savepoints/schema-scan.js';
import { givesBackTime } from '../savepoints/times-given-back.js';
import type { SavepointCounters } from '../telemetry/savepoint-counters.js';
import type { ServerTransaction } from './server-transaction.js';

/** How many calls one transaction may make again. */
export const replayBudget: number = 100_000;

/** What came of making calls again. */
interface Outcome {
  readonly difference: CallDifference | undefined;
  readonly comparison: AnswerComparison;
  readonly preface: readonly EncodedValue[];
}

/** A transaction that has come as far as the first was, and the times that the server has made anew in it. */
interface Verified {
  readonly transaction: Uuid;
  readonly replaced: Iterable<bigint>;
}

/**
 * The way back to a place in a transaction. The server cannot take anything back, so another transaction takes the place
 * of the first. Everything the program has seen is verified before: in the second, and what the second must not do in a
 * third one, the witness, which is thrown away.
 *
 *     first     begin ── before ──┬── reads ── writes ───────────────────────────────────────── cancel
 *     second                      └── begin ── before ── reads ──────────── as it was? ──────── goes on
 *     witness                              └── begin ── before ── reads ── writes ── as it was? ── cancel
 *
 * Without a witness go the reads that stand before everything that is undone, as long as no read can write there (see
 * {@link SchemaScan}), and no time was made by the server: that is another one in all three, and what others have changed
 * is the same in both of the later ones.
 * Nothing is given up before everything is verified; when it is not, the first goes on as it is.
 */
export class Undo {
  readonly #server: ServerTransaction;
  readonly #savepoints: Savepoints;
  readonly #schema: SchemaScan;
  readonly #counters: SavepointCounters;
  #replayed = 0;

  constructor(server: ServerTransaction, savepoints: Savepoints, schema: SchemaScan, counters: SavepointCounters) {
    this.#server = server;
    this.#savepoints = savepoints;
    this.#schema = schema;
    this.#counters = counters;
  }

  /**
   * Undoes what came after a place in the log.
   * @param refuse throws when the way back is not wanted any more
   * @throws SavepointUnsupportedError, SavepointLimitError, SavepointDivergedError, and what the server's calls throw
   */
  async to(mark: Mark, refuse: () => void): Promise<void> {
    const { log } = this.#savepoints;
    const before = this.#savepoints.replayable(mark);
    const behind = log.since(mark);
    if (log.complete && behind.every(({ undone }) => undone)) return;
    this.#refuseUnverifiable([...before, ...behind]);
    const begunAt = performance.now();
    const { transaction, replaced } =
      (await this.#withoutWitness(before, behind, refuse)) ?? (await this.#withWitness(before, behind, refuse));
    this.#server.adopt(transaction);
    for (const moment of replaced) log.replaced.add(moment);
    log.undoSince(mark, { from: begunAt, until: performance.now() });
    this.#counters.count('rollbacks');
    this.#counters.replayTime.record(performance.now() - begunAt);
  }

  /** Opens the second transaction, and verifies it by itself; undefined when that cannot be done, or did not succeed. */
  async #withoutWitness(
    before: readonly LogEntry[],
    behind: readonly LogEntry[],
    refuse: () => void,
  ): Promise<Verified | undefined> {
    const { database } = this.#server;
    const scan = this.#schema.statements(database);
    if (scan === undefined || this.#savepoints.log.branches.length > 0) return undefined;
    const history = [...before, ...behind];
    if (!history.every(({ call, undone }, index) => call.onlyReads || (!undone && index < before.length)))
      return undefined;
    return await this.#tried(async (second) => {
      const { difference, comparison, preface } = await this.#rerun(second, history, scan);
      const isVerified = difference === undefined && comparison.moments.size === 0;
      if (!isVerified || !this.#schema.readsOnlyRead(database, preface)) return undefined;
      refuse();
      return [];
    });
  }

  async #withWitness(before: readonly LogEntry[], behind: readonly LogEntry[], refuse: () => void): Promise<Verified> {
    const verified = await this.#tried(async (second) => {
      const replaced = await this.#verify(second, before, behind);
      // Much may have happened meanwhile.
      refuse();
      return replaced;
    });
    // With a witness it succeeds or throws.
    return verified as Verified;
  }

  /** Opens a second transaction for work, and drops it when that does not end well. */
  async #tried(work: (second: Uuid) => Promise<Iterable<bigint> | undefined>): Promise<Verified | undefined> {
    const transaction = await this.#server.openAnother();
    try {
      const replaced = await work(transaction);
      if (replaced !== undefined) return { transaction, replaced };
    } catch (error) {
      if (error instanceof SavepointDivergedError) this.#counters.count('divergences');
      void this.#server.drop(transaction);
      throw error;
    }
    void this.#server.drop(transaction);
    return undefined;
  }

  /** What cannot be made again in the witness cannot be verified: then nothing is undone. */
  #refuseUnverifiable(history: readonly LogEntry[]): void {
    if (!this.#savepoints.log.complete) throw this.#savepoints.limit();
    for (const { call } of history) {
      const { replayability } = call;
      if (replayability.kind !== 'outside') continue;
      throw this.#savepoints.unsupported({ ...replayability, statement: replayability.culprit, refused: 'rollback' });
    }
    const givingBack = givesBackTime(history.filter(({ undone }) => !undone));
    if (givingBack === undefined) return;
    throw this.#savepoints.unsupported({ statement: givingBack.text, reason: timeGivenBack, refused: 'rollback' });
  }

  /** @returns the times that the server has made anew in the second */
  async #verify(second: Uuid, before: readonly LogEntry[], behind: readonly LogEntry[]): Promise<Iterable<bigint>> {
    const { log } = this.#savepoints;
    const kept = before.filter(({ undone }) => !undone);
    const history = [...before, ...behind];
    const [adopted, witness] = await bothSettled(this.#rerun(second, kept), this.#witness(history));
    const difference = adopted.difference ?? witness.difference;
    if (difference !== undefined) {
      throw await this.#explain(difference, adopted.difference === undefined ? undefined : witness, history);
    }
    for (const [old, { young, call }] of adopted.comparison.moments) {
      // Made by the server, it is another one in each run; others' is the same one in both.
      if (witness.comparison.moments.get(old)?.young === young) throw diverged(call, '', undefined, undefined, false);
    }
    // What was undone earlier, the program may go on believing.
    for (const branch of log.branches) {
      const found = await this.#witness(branch);
      if (found.difference !== undefined) throw await this.#explain(found.difference, undefined, branch);
    }
    return adopted.comparison.moments.keys();
  }

  /**
   * Finds out why a call answered something else: when another run gives the same, others have changed what it reads, and
   * the transaction can be done again; when that gives something else again, no attempt would help.
   */
  async #explain(
    { call, path, expected, found }: CallDifference,
    other: Outcome | undefined,
    history: readonly LogEntry[],
  ): Promise<Error> {
    const again = (other ?? (await this.#witness(history))).difference;
    const lasting = again?.call === call && again.path === path && !isSame(again.found, found);
    const { replayability } = call;
    if (!lasting || replayability.kind === 'replayable') return diverged(call, path, expected, found, lasting);
    const reason = `${replayability.reason}: its answer cannot be verified`;
    return this.#savepoints.unsupported({ statement: replayability.culprit, reason, refused: 'rollback' });
  }

  async #witness(history: readonly LogEntry[]): Promise<Outcome> {
    const witness = await this.#server.openWitness();
    try {
      return await this.#rerun(witness, history);
    } finally {
      void this.#server.drop(witness);
    }
  }

  async #rerun(transaction: Uuid, entries: readonly LogEntry[], preface: readonly string[] = []): Promise<Outcome> {
    // They count even when it fails: the server has had the work.
    this.#replayed += entries.length;
    if (this.#replayed > replayBudget) {
      this.#counters.count('refusedLimit');
      throw new SavepointLimitError('replay', replayBudget);
    }
    this.#counters.count('replayedCalls', entries.length);
    const rerun = new Rerun(this.#server.target(transaction), this.#savepoints.log.replays, preface);
    const difference = await rerun.run(entries.map(({ call }) => call));
    return { difference, comparison: rerun.comparison, preface: rerun.prefaceAnswers };
  }
}

/** Both outcomes, when both are there: nothing goes on behind the back of a failure. */
async function bothSettled(one: Promise<Outcome>, other: Promise<Outcome>): Promise<[Outcome, Outcome]> {
  await Promise.allSettled([one, other]);
  return [await one, await other];
}

function isSame(one: Part, other: Part): boolean {
  if (one instanceof EncodedValue && other instanceof EncodedValue) return one.equals(other);
  if (one instanceof Error && other instanceof Error) return one.message === other.message;
  return one === other;
}

function diverged(
  call: LoggedCall,
  path: string,
  expected: Part,
  found: Part,
  lasting: boolean,
): SavepointDivergedError {
  const shown = (part: Part): unknown => (part instanceof EncodedValue ? part.decode() : part);
  return new SavepointDivergedError({
    statement: call.text,
    path,
    expected: shown(expected),
    found: shown(found),
    lasting,
  });
}
