import { inspect } from 'node:util';
import type { ConnectionManager } from '../../../src/index.js';
import { difference } from './answers.js';
import { type Kind, type Program, program as programOf, type Step } from './program.js';
import { type Ending, type RunOf, run, writesOf } from './run.js';
import { nothing } from './schema.js';

/** What a program came to. */
export interface Verdict {
  readonly ending: Ending;
  /** How the program with its undone parts differs from the same without them; undefined when it does not. */
  readonly fault: string | undefined;
}

/**
 * Runs a program as it is, and then without the parts that it undoes, which has to give the same: the same answers, the
 * same data. Where others write meanwhile, it has to be the same as when they wrote before it or after it: one of the
 * places in the order of their writes has to explain all that the program was told.
 */
export async function check(pool: ConnectionManager, program: Program): Promise<Verdict> {
  const whole = await run(pool, program);
  const { ending } = whole;
  const writes = whole.writes.length;
  const differences: string[] = [];
  if (ending.is === 'refused' || (ending.is === 'failed' && writes > 0)) {
    const nothing = await run(pool, { ...program, steps: [] }, { before: 0, with: whole });
    return { ending, fault: difference(onlyData(whole), onlyData(nothing)) };
  }
  for (let before = writes; before >= 0; before--) {
    const parts = await run(pool, program, { before, with: whole });
    const differs =
      parts.ending.is === ending.is
        ? difference(whole.transcript, parts.transcript)
        : `with rollbacks it ${told(ending)}, without the parts it ${told(parts.ending)}`;
    if (differs === undefined) return { ending, fault: undefined };
    differences.push(writes > 0 ? `with ${before} writes of others before it: ${differs}` : differs);
  }
  return { ending, fault: differences.join('\n') };
}

function told(ending: Ending): string {
  return ending.is === 'committed' ? ending.is : `${ending.is}: ${ending.message}`;
}

function onlyData({ transcript }: RunOf): RunOf['transcript'] {
  return { ...transcript, entries: transcript.entries.filter(({ what }) => what.startsWith('what is stored')) };
}

/**
 * Whether a pool may refuse a program. It must not where nothing is random, the server makes no times, a read writes
 * nothing and nobody else writes. A time that is read without the id of its record is not known to be the program's own,
 * so programs with times may be refused; most of them must not.
 */
export function mayBeRefused({ kind, schema, steps }: Program): boolean {
  if (schema.refusable !== nothing) return true;
  if (kind === 'plain') return false;
  if (kind === 'writers') return writesOf(steps).some((write) => !write.label.includes('elsewhere'));
  return true;
}

/** A program, and how it differs. */
interface Found {
  readonly program: Program;
  readonly fault: string;
}

/** Makes a program smaller by leaving out steps for as long as the check finds something, in so many tries at most. */
export async function smallest(pool: ConnectionManager, found: Found, tries = 150): Promise<Found> {
  let left = tries;
  let smaller = found;
  for (let again = true; again; ) {
    again = false;
    for (const steps of withOneLess(smaller.program.steps)) {
      if (left-- <= 0) return smaller;
      const program = { ...smaller.program, steps };
      const { fault } = await check(pool, program);
      if (fault === undefined) continue;
      smaller = { program, fault };
      again = true;
      break;
    }
  }
  return smaller;
}

function* withOneLess(steps: readonly Step[]): Generator<Step[]> {
  for (const [at, step] of steps.entries()) {
    const [before, after] = [steps.slice(0, at), steps.slice(at + 1)];
    yield [...before, ...after];
    if (step.do === 'kept')
      for (const less of withOneLess(step.steps)) yield [...before, { ...step, steps: less }, ...after];
    if (step.do !== 'undone') continue;
    for (const [round, inner] of step.rounds.entries()) {
      if (step.rounds.length > 1) yield [...before, { ...step, rounds: step.rounds.toSpliced(round, 1) }, ...after];
      for (const less of withOneLess(inner))
        yield [...before, { ...step, rounds: step.rounds.with(round, less) }, ...after];
    }
  }
}

/** A program as a reader of a failed test sees it. */
export function shown({ seed, kind, schema, variables, prepared, form, onStatementError, steps }: Program): string {
  const before = prepared === undefined ? '' : `ANOTHER CLIENT, before: ${prepared.label}\n`;
  const set = Object.keys(variables).length > 0 ? `set: ${inspect(variables)}\n` : '';
  return `seed ${seed}, ${kind}, ${form}, onStatementError: ${onStatementError}\n${schema.text}\n${schema.refusable}\n${before}${set}${lines(steps, 1)}`;
}

function lines(steps: readonly Step[], depth: number): string {
  const indent = '  '.repeat(depth);
  const shownStep = (step: Step): string => {
    if (step.do === 'call') return `${indent}${step.call.label}`;
    if (step.do === 'other') return `${indent}ANOTHER CLIENT: ${step.write.label}`;
    if (step.do === 'kept') return `${indent}kept, ${step.form}:\n${lines(step.steps, depth + 1)}`;
    return step.rounds.map((round) => `${indent}UNDONE, ${step.form}:\n${lines(round, depth + 1)}`).join('\n');
  };
  return steps.map(shownStep).join('\n');
}

/** What a number of programs came to. */
export class Tally {
  readonly #refusals = new Map<string, number>();
  readonly #endings = new Map<Kind, Map<string, number>>();

  count(kind: Kind, ending: Ending): void {
    const endings = this.#endings.get(kind) ?? new Map<string, number>();
    this.#endings.set(kind, endings.set(ending.is, (endings.get(ending.is) ?? 0) + 1));
    if (ending.is !== 'refused') return;
    const reason = `${kind}: ${ending.reason}`;
    this.#refusals.set(reason, (this.#refusals.get(reason) ?? 0) + 1);
  }

  /** The share of the programs of a kind that ended so. */
  share(kind: Kind, ending: Ending['is']): number {
    const endings = this.#endings.get(kind) ?? new Map<string, number>();
    const all = [...endings.values()].reduce((sum, count) => sum + count, 0);
    return all === 0 ? 0 : (endings.get(ending) ?? 0) / all;
  }

  toString(): string {
    return inspect({ endings: this.#endings, refusals: this.#refusals }, { depth: 3 });
  }
}

/** Runs the programs of so many seeds, one after the other, from `first` on, and gives what they came to. */
export async function checkAll(
  pool: ConnectionManager,
  kind: Kind,
  first: number,
  count: number,
  tally: Tally,
): Promise<void> {
  for (let seed = first; seed < first + count; seed++) {
    const program = programOf(seed, kind);
    const { ending, fault } = await check(pool, program).catch((error: unknown) => {
      throw new Error(`the check itself failed with ${shown(program)}`, { cause: error });
    });
    tally.count(kind, ending);
    if (fault !== undefined) {
      const found = await smallest(pool, { program, fault });
      throw new Error(`with and without its undone parts it differs:\n${shown(found.program)}\n${found.fault}`);
    }
    if (ending.is === 'refused' && !mayBeRefused(program)) {
      throw new Error(`it was refused (${ending.reason}, ${ending.message}):\n${shown(program)}`);
    }
  }
}
