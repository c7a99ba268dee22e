import type { Uuid } from 'surrealdb';
import { SavepointDivergedError, SavepointLimitError } from '../errors/savepoint.js';
import { AnswerComparison, type Difference, type Part } from '../savepoints/answer-comparison.js';
import { beforeFirst, type LogEntry, type Mark, undoneParts } from '../savepoints/call-log.js';
import { EncodedValue } from '../savepoints/encoded-value.js';
import type { LoggedCall } from '../savepoints/logged-call.js';
import { type Look, looksAt } from '../savepoints/looks.js';
import { type CallDifference, differenceOf, Rerun } from '../savepoints/rerun.js';
import type { Savepoints } from '../savepoints/savepoints.js';
import type { SchemaScan } from '../savepoints/schema-scan.js';
import { shownStatement } from '../surrealql/shown-statement.js';
import type { SavepointCounters } from '../telemetry/savepoint-counters.js';
import { systemClock } from '../time/clock.js';
import type { ServerTransaction } from './server-transaction.js';

/** How many calls one transaction may make again. */
export const replayBudget: number = 100_000;

/** What a transaction has done: the calls before the place it is brought back to, and those behind. */
interface History {
  readonly before: readonly LogEntry[];
  readonly behind: readonly LogEntry[];
}

/** What is done in one transaction to verify something. */
interface Plan {
  readonly entries: readonly LogEntry[];
  /** Reads that are compared with the same in another transaction, and before which of the entries; default: behind all. */
  readonly looks?: readonly Look[];
  readonly lookAt?: number;
  /** Looks whether reads can write. */
  readonly scan?: readonly string[] | undefined;
}

/** What came of it. */
interface Outcome {
  readonly difference: CallDifference | undefined;
  readonly looked: readonly EncodedValue[];
  readonly comparison: AnswerComparison;
  /** Whether the reads among them have certainly not written. */
  readonly onlyRead: boolean;
}

/**
 * The way back to a place in a transaction. The server cannot take anything back, so another transaction takes the place
 * of the first. Everything the program has seen is verified before that: in the second, and what the second must not do,
 * in a third one, the witness, which is thrown away.
 *
 *     first     begin ── before ──┬── reads ── writes ───────────────────────────────────────── cancel
 *     second                      └── begin ── before ── reads ── look ─── as they were? ────── goes on
 *     witness                              └── begin ── before ── reads ── look ── writes ── as they were? ── cancel
 *
 * - The second does not make the reads again when a read may write in this database: see {@link SchemaScan}.
 * - The witness is for what stands behind the first undone write, for what was undone earlier, and for times that the
 *   server has made: those are others in all three, while what others have changed is the same in both of the later ones.
 * - Both look at what the undone writes were made from, before these are made: so both see the same of it.
 *
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
    const history = { before: this.#savepoints.replayable(mark), behind: log.since(mark) };
    if (log.complete && history.behind.every(({ undone }) => undone)) return;
    await this.#refuseUnverifiable([...history.before, ...history.behind]);
    const begunAt = systemClock.now();
    const scan = await this.#schema.statements(this.#server.place, (text) => this.#server.ask(text));
    const done = scan !== undefined && (await this.#goOver(history, scan, refuse));
    if (!done) await this.#goOver(history, undefined, refuse);
    log.undoSince(mark, { from: begunAt, until: systemClock.now() });
    this.#counters.count('rollbacks');
    this.#counters.replayTime.record(systemClock.now() - begunAt);
  }

  /** What cannot be made again in the witness cannot be verified: then nothing is undone. */
  async #refuseUnverifiable(history: readonly LogEntry[]): Promise<void> {
    if (!this.#savepoints.log.complete) throw this.#savepoints.limit();
    for (const { call } of history) {
      const { replayability } = call;
      if (replayability.kind !== 'outside') continue;
      throw this.#savepoints.unsupported({ ...replayability, statement: replayability.culprit, refused: 'rollback' });
    }
    const own = history.filter(({ undone }) => !undone);
    await this.#savepoints.refuseTimesGivenBack(own, 'rollback', () => this.#server.clock());
  }

  /**
   * Opens the second transaction, verifies it and goes on in it.
   * @param scan looks whether reads can write, and has the second make the reads again; without it, the second makes none
   * @returns false when reads may have written, so that the second cannot be gone on in
   */
  async #goOver(history: History, scan: readonly string[] | undefined, refuse: () => void): Promise<boolean> {
    const { log } = this.#savepoints;
    const second = await this.#server.openAnother();
    try {
      const replaced = await this.#verify(second, history, scan);
      if (replaced === undefined) {
        void this.#server.drop(second);
        return false;
      }
      // Much may have happened meanwhile.
      refuse();
      this.#server.adopt(second);
      for (const moment of replaced) log.replaced.add(moment);
      return true;
    } catch (error) {
      void this.#server.drop(second);
      if (error instanceof SavepointDivergedError) this.#counters.count('divergences');
      throw error;
    }
  }

  /** @returns the times that the server has made anew in the second; undefined when reads may have written in it */
  async #verify(
    second: Uuid,
    { before, behind }: History,
    scan: readonly string[] | undefined,
  ): Promise<Iterable<bigint> | undefined> {
    const { branches } = this.#savepoints.log;
    const mayRead = scan !== undefined;
    const reads = mayRead ? beforeFirst(behind, ({ call }) => !call.onlyReads) : [];
    const writes = behind.slice(reads.length);
    const looks = mayRead ? looksAt(writes.map(({ call }) => call)) : [];
    const kept = before.filter(({ undone }) => !undone);
    const own = [...before.filter(({ undone, call }) => !undone || (mayRead && call.onlyReads)), ...reads];
    const all = { entries: [...before, ...behind], looks, lookAt: before.length + reads.length };
    const needsWitness = !mayRead || writes.length > 0 || branches.length > 0;
    const [adopted, early] = await bothSettled(
      // Where nothing is read that is undone, there is nothing to scan for.
      this.#rerun(second, { entries: own, looks, scan: own.length + looks.length > kept.length ? scan : undefined }),
      needsWitness ? this.#witness(all) : undefined,
    );
    if (!adopted.onlyRead) return undefined;
    const { moments } = adopted.comparison;
    if (!needsWitness && adopted.difference === undefined && moments.size === 0) return [];
    const witness = early ?? (await this.#witness(all));
    const difference = adopted.difference ?? witness.difference;
    if (difference !== undefined) {
      // Where both found the same, there is nothing to explain.
      throw agree(adopted, witness)
        ? diverged(difference.call, difference, false)
        : await this.#explain(difference, all.entries);
    }
    refuseOtherSnapshot(adopted, witness, looks);
    // What was undone earlier, the program may go on believing.
    for (const entries of branches) {
      const found = await this.#witness({ entries });
      if (found.difference !== undefined) throw await this.#explain(found.difference, entries);
    }
    return moments.keys();
  }

  /**
   * Finds out why a call answered something else. Two witnesses tell: when they agree about it, or see by reading that others
   * change what the history is made from, the transaction can be done again; when not, no attempt would help.
   */
  async #explain({ call, path, expected, found }: CallDifference, history: readonly LogEntry[]): Promise<Error> {
    const calls = history.map((entry) => entry.call);
    const looks = looksAt(calls.slice(0, calls.indexOf(call) + 1));
    const plan = { entries: history, looks, lookAt: 0 };
    const [one, other] = await bothSettled(this.#witness(plan), this.#witness(plan));
    const lasting = other !== undefined && !agree(one, other) && sawTheSame(one, other, looks);
    const { replayability } = call;
    if (!lasting || replayability.kind === 'replayable') return diverged(call, { path, expected, found }, lasting);
    const reason = `${replayability.reason}: its answer cannot be verified`;
    return this.#savepoints.unsupported({ statement: replayability.culprit, reason, refused: 'rollback' });
  }

  /**
   * Makes a history again in a witness. What was undone in it has left nothing behind, as far as its text shows, and so is
   * made again with the rest. Where a field writes when it is read or checked, it does leave something: when that may be why
   * an answer differs, each undone part is made again by itself, and the rest without them.
   */
  async #witness(plan: Plan): Promise<Outcome> {
    const whole = await this.#inWitness(plan);
    const parts = undoneParts(plan.entries);
    if (whole.difference === undefined || parts.length === 0) return whole;
    for (const entries of parts) {
      const { difference } = await this.#inWitness({ entries });
      if (difference !== undefined) return { ...whole, difference };
    }
    return await this.#inWitness(withoutUndone(plan));
  }

  async #inWitness(plan: Plan): Promise<Outcome> {
    const witness = await this.#server.openWitness();
    try {
      return await this.#rerun(witness, plan);
    } finally {
      void this.#server.drop(witness);
    }
  }

  async #rerun(transaction: Uuid, { entries, looks = [], lookAt = entries.length, scan }: Plan): Promise<Outcome> {
    const calls = entries.map(({ call }) => call);
    // They count even when it fails: the server has had the work.
    this.#replayed += calls.length + looks.length;
    if (this.#replayed > replayBudget) {
      this.#counters.count('refusedLimit');
      throw new SavepointLimitError('replay', replayBudget);
    }
    this.#counters.count('replayedCalls', calls.length);
    const rerun = new Rerun(this.#server.target(transaction), this.#savepoints.log.replays, scan);
    const early = await rerun.run(calls, 0, lookAt);
    const looked = early === undefined ? await rerun.look(looks) : [];
    const difference = early ?? (await rerun.run(calls, lookAt));
    const onlyRead = scan === undefined || this.#schema.readsOnlyRead(this.#server.place, rerun.prefaceAnswers);
    return { difference, comparison: rerun.comparison, looked, onlyRead };
  }
}

/**
 * The second transaction and the witness have begun one after the other. Others may have changed something in between,
 * which they had changed before the second began: then the witness sees it as it was, and the second does not.
 * @throws SavepointDivergedError
 */
function refuseOtherSnapshot(adopted: Outcome, witness: Outcome, looks: readonly Look[]): void {
  const comparison = new AnswerComparison();
  for (const [old, made] of adopted.comparison.moments) {
    const again = witness.comparison.moments.get(old);
    // Made by the server, it is another one in each run; that of others is the same one in both.
    if (again?.young === made.young) throw diverged(made.call, nothing, false);
    if (again !== undefined) comparison.moments.set(made.young, again);
  }
  for (const [index, { call }] of looks.entries()) {
    const [one, other] = [adopted.looked[index], witness.looked[index]];
    const difference = differenceOf(comparison, one, other, { ...knowsNothing, call });
    if (difference !== undefined) throw diverged(call, difference, false);
  }
}

/** Whether both have found the same answers, as far as they go. */
function agree({ difference: one }: Outcome, { difference: other }: Outcome): boolean {
  if (one === undefined || other === undefined) return one === other;
  return one.call === other.call && one.path === other.path && isSame(one.found, other.found);
}

/** Whether both have read the same before they did anything. */
function sawTheSame(one: Outcome, other: Outcome, looks: readonly Look[]): boolean {
  return looks.every(({ call }, index) => {
    const compared = { ...knowsNothing, call };
    return differenceOf(new AnswerComparison(), one.looked[index], other.looked[index], compared) === undefined;
  });
}

const nothing: Difference = { path: '', expected: undefined, found: undefined };

const knowsNothing = {
  writes: false,
  makesIds: false,
  wrote: () => false,
  madeFirst: () => false,
  madeAgain: () => false,
};

function withoutUndone({ entries, lookAt = entries.length, ...plan }: Plan): Plan {
  const remains = ({ undone }: LogEntry): boolean => !undone;
  return { ...plan, entries: entries.filter(remains), lookAt: entries.slice(0, lookAt).filter(remains).length };
}

/** Both outcomes, when both are there: nothing goes on behind the back of a failure. */
async function bothSettled(
  one: Promise<Outcome>,
  other: Promise<Outcome> | undefined,
): Promise<[Outcome, Outcome | undefined]> {
  await Promise.allSettled([one, other]);
  return [await one, await other];
}

function isSame(one: Part, other: Part): boolean {
  if (one instanceof EncodedValue && other instanceof EncodedValue) return one.equals(other);
  if (one instanceof Error && other instanceof Error) return one.message === other.message;
  return one === other;
}

function diverged(call: LoggedCall, { path, expected, found }: Difference, lasting: boolean): SavepointDivergedError {
  const shown = (part: Part): unknown => (part instanceof EncodedValue ? part.decode() : part);
  const details = { path, expected: shown(expected), found: shown(found), lasting };
  return new SavepointDivergedError({ statement: shownStatement(call.text), ...details });
}
