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

/** How many calls one transaction may replay. */
export const replayBudget: number = 100_000;

/** The calls of a transaction before the place it returns to, and those after it. */
interface History {
  readonly before: readonly LogEntry[];
  readonly behind: readonly LogEntry[];
}

/** The steps of one verifying transaction. */
interface Plan {
  readonly entries: readonly LogEntry[];
  /**
   * Reads that are compared with those of another transaction, and the entry before which each runs; default: after
   * all.
   */
  readonly looks?: readonly Look[];
  readonly lookAt?: number;
  /** Statements that find out whether reads can write. */
  readonly scan?: readonly string[] | undefined;
}

/** The result of a plan. */
interface Outcome {
  readonly difference: CallDifference | undefined;
  readonly looked: readonly EncodedValue[];
  readonly comparison: AnswerComparison;
  /** Whether its reads have certainly not written. */
  readonly onlyRead: boolean;
}

/**
 * Brings a transaction back to an earlier place. The server cannot undo calls, so a second transaction replaces the
 * first. Before that, every answer the program has seen is verified: in the second one, or, where the second must not
 * repeat a call, in a third one, the witness, which is cancelled.
 *
 *     first     begin ── before ──┬── reads ── writes ───────────────────────────────────────── cancel
 *     second                      └── begin ── before ── reads ── look ─── as they were? ────── goes on
 *     witness                              └── begin ── before ── reads ── look ── writes ── as they were? ── cancel
 *
 * - The second does not repeat reads if a read may write in this database: see {@link SchemaScan}.
 * - The witness verifies calls after the first undone write, calls undone earlier, and times made by the server. Such
 *   times differ in all three, while changes by others are the same in both later ones.
 * - Both read the inputs of the undone writes before these are made, so both see the same.
 *
 * The first transaction is given up only when everything is verified; otherwise it goes on unchanged.
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
   * @param refuse throws if the rollback is no longer wanted
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

  /** Throws if a call cannot be replayed in the witness, and so cannot be verified: then nothing is undone. */
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
   * Opens the second transaction, verifies it and continues in it.
   * @param scan statements that find out whether reads can write, with which the second repeats the reads; left out, it
   * makes none
   * @returns false when reads may have written, so that the second cannot be used
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
      // The transaction may have ended meanwhile.
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

  /** @returns the times the server made anew in the second; undefined when reads may have written in it */
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
      // Without undone reads there is nothing to scan for.
      this.#rerun(second, { entries: own, looks, scan: own.length + looks.length > kept.length ? scan : undefined }),
      needsWitness ? this.#witness(all) : undefined,
    );
    if (!adopted.onlyRead) return undefined;
    const { moments } = adopted.comparison;
    if (!needsWitness && adopted.difference === undefined && moments.size === 0) return [];
    const witness = early ?? (await this.#witness(all));
    const difference = adopted.difference ?? witness.difference;
    if (difference !== undefined) {
      // If both found the same, there is nothing to explain.
      throw agree(adopted, witness)
        ? diverged(difference.call, difference, false)
        : await this.#explain(difference, all.entries);
    }
    refuseOtherSnapshot(adopted, witness, looks);
    // The program may still rely on answers of calls undone earlier.
    for (const entries of branches) {
      const found = await this.#witness({ entries });
      if (found.difference !== undefined) throw await this.#explain(found.difference, entries);
    }
    return timesMadeAnew(adopted, witness);
  }

  /**
   * Finds out why a call answered differently, by two witnesses. If they agree, or their reads show that others changed
   * the inputs of the history, repeating the transaction can help; otherwise it cannot.
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
   * Replays a history in a witness. Undone parts left nothing behind as far as their text shows, so they are replayed
   * with the rest. But a field may write when it is read or checked: if that may be why an answer differs, each undone
   * part is replayed by itself, and the rest without them.
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
    // Failed replays count too: the server did the work.
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
 * Refuses if the second transaction and the witness, which began one after the other, see different data: others may
 * have changed a value back in between, so that the witness sees the old value and the second does not.
 * @throws SavepointDivergedError
 */
function refuseOtherSnapshot(adopted: Outcome, witness: Outcome, looks: readonly Look[]): void {
  const comparison = new AnswerComparison();
  for (const [old, made] of adopted.comparison.moments) {
    const again = witness.comparison.moments.get(old);
    // A time made by the server differs in each run; a time written by others is the same in both.
    if (again?.young === made.young) throw diverged(made.call, nothing, false);
    if (again !== undefined) comparison.moments.set(made.young, again);
  }
  for (const [index, { call }] of looks.entries()) {
    const [one, other] = [adopted.looked[index], witness.looked[index]];
    const difference = differenceOf(comparison, one, other, { ...knowsNothing, call });
    if (difference !== undefined) throw diverged(call, difference, false);
  }
}

/**
 * The times that the second transaction made anew. Where it repeats no reads, the witness tells which times undone reads had
 * shown of the same values: those it made into the same ones.
 */
function* timesMadeAnew(adopted: Outcome, witness: Outcome): Generator<bigint> {
  const made = new Set<bigint>();
  for (const old of adopted.comparison.moments.keys()) {
    yield old;
    const again = witness.comparison.moments.get(old);
    if (again !== undefined) made.add(again.young);
  }
  for (const [old, { young }] of witness.comparison.moments) if (made.has(young)) yield old;
}

/** Whether both found the same answers, as far as both got. */
function agree({ difference: one }: Outcome, { difference: other }: Outcome): boolean {
  if (one === undefined || other === undefined) return one === other;
  return one.call === other.call && one.path === other.path && isSame(one.found, other.found);
}

/** Whether both read the same before they wrote. */
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

/** Waits for both outcomes, so that neither still runs after the other failed. */
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
