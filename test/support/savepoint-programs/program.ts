import { DateTime } from 'surrealdb';
import type { ConnectionManager } from '../../../src/index.js';
import { between, oneOf, seededRandom } from '../seeded-random.js';
import { momentText } from './answers.js';
import {
  type Bindings,
  balanceRead,
  balanceWrite,
  type Call,
  copyRead,
  hiddenCreate,
  madeRead,
  readingCall,
  type Source,
  shownWrite,
  writingBuilder,
  writingText,
} from './calls.js';
import { type Feature, type Schema, someHot, someName, someSchema } from './schema.js';
import {
  attemptToCreate,
  failingCall,
  impureCall,
  momentGivenBack,
  partlyFailingCall,
  slowCall,
  textGivenBack,
} from './special-calls.js';

/**
 * What programs are made of, and with that whether a pool may refuse them.
 *
 * - `plain`: nothing random, nobody else writes: never
 * - `times`: the same, with records that the server writes its clock into: never
 * - `moments`: as `times`, and moments that were read are given back
 * - `random`: random values that the texts do not show, and texts that show them
 * - `writers`: others write meanwhile
 */
export const kinds = ['plain', 'times', 'moments', 'random', 'writers'] as const;
export type Kind = (typeof kinds)[number];

/** A write of another client, in a transaction of its own. */
export interface OtherWrite {
  readonly label: string;
  /** @param moments what it wrote, with a name that is the same in every run */
  run(pool: ConnectionManager, moments: Map<string, string>): Promise<void>;
}

/** How a part of a program is undone. */
export const undoneForms = ['handle', 'name', 'withSavepoint', 'withTransaction'] as const;
/** How a part of a program has a savepoint that is never gone back to. */
export const keptForms = ['released', 'left', 'withSavepoint', 'withTransaction'] as const;

export type Step =
  | { readonly do: 'call'; readonly call: Call }
  | { readonly do: 'other'; readonly write: OtherWrite }
  /** Each of the rounds is undone. More than one begin from the same savepoint. */
  | {
      readonly do: 'undone';
      readonly form: (typeof undoneForms)[number];
      readonly rounds: readonly (readonly Step[])[];
    }
  | { readonly do: 'kept'; readonly form: (typeof keptForms)[number]; readonly steps: readonly Step[] };

export interface Program {
  readonly seed: number;
  readonly kind: Kind;
  readonly schema: Schema;
  /** What `connection.set()` sets before the transaction begins. */
  readonly variables: Bindings;
  /** What another client wrote before the program begins. */
  readonly prepared: OtherWrite | undefined;
  readonly form: 'withTransaction' | 'beginTransaction';
  readonly onStatementError: 'abort' | 'savepoint';
  readonly steps: readonly Step[];
}

type Maker = (source: Source) => Call;

/** The program of a seed. */
export function program(seed: number, kind: Kind): Program {
  const random = seededRandom(seed);
  let last = 20;
  const hot = someHot(random);
  const source: Source = { random, hot, fresh: () => ++last };
  const allowed = new Set<Feature>(kind === 'plain' ? [] : kind === 'random' ? ['times', 'random'] : ['times']);
  const schema = someSchema(random, allowed, hot);
  const variables: Bindings = {};
  if (random() < 0.5)
    for (const name of ['user', someName(random, hot)]) variables[name] = oneOf<unknown>(random, ['joe', null, 7]);
  if (random() < 0.3) variables.rate = between(random, 2, 9);
  const onStatementError = random() < 0.35 ? 'savepoint' : ('abort' as const);
  const maker = makers(kind);
  const plan: Plan = { source, kind, maker, onStatementError, writes: { left: 3 } };
  const opening = random() < 0.6 ? someOpening(plan) : [];
  const steps = [...opening, ...someSteps(plan, 0, between(random, 2, 6))];
  const prepared = kind === 'writers' ? someDueTime(source, 1) : undefined;
  return {
    ...{ seed, kind, schema, variables, prepared, onStatementError, steps },
    form: oneOf(random, ['withTransaction', 'beginTransaction']),
  };
}

interface Plan {
  readonly source: Source;
  readonly kind: Kind;
  readonly maker: readonly Maker[];
  readonly onStatementError: 'abort' | 'savepoint';
  /** How many writes of others may still come: each is one run more. */
  readonly writes: { left: number };
}

function makers(kind: Kind): readonly Maker[] {
  const common = [writingText, writingText, writingText, writingBuilder, writingBuilder, readingCall, readingCall];
  switch (kind) {
    case 'moments':
      return [...common, momentGivenBack, momentGivenBack];
    case 'random':
      return [...common, ...common, ...common, textGivenBack, textGivenBack, impureCall];
    case 'writers':
      return [
        writingText,
        writingBuilder,
        readingCall,
        copyRead,
        balanceRead,
        balanceRead,
        balanceWrite,
        balanceWrite,
        slowCall,
      ];
    default:
      return [...common, balanceRead, balanceWrite];
  }
}

/** A beginning that most faults need: something was done, something is undone, and more may follow. */
function someOpening(plan: Plan): Step[] {
  const { source, kind } = plan;
  const { random } = source;
  const call = (made: Call): Step => ({ do: 'call', call: made });
  const undone = (...calls: Call[]): Step => ({
    do: 'undone',
    form: oneOf(random, undoneForms),
    rounds: [calls.map(call)],
  });
  switch (kind) {
    case 'moments': {
      const after = random() < 0.3 ? [call(momentGivenBack(source))] : [];
      const before = random() < 0.7 ? [call(momentGivenBack(source))] : [];
      return [call(shownWrite(source)), ...before, undone(writingText(source)), ...after];
    }
    case 'random':
      return [call(hiddenCreate(source)), call(hiddenCreate(source)), undone(madeRead(source), writingText(source))];
    case 'writers': {
      const renewal = () => ({ do: 'other', write: someDueTime(source, source.fresh()) }) as const;
      return [call(slowCall(source)), call(copyRead(source)), renewal(), undone(writingText(source))];
    }
    default:
      return [
        ...Array.from({ length: between(random, 2, 3) }, () => call(writingText(source, ' RETURN NONE'))),
        ...(random() < 0.5 ? [call(writingBuilder(source))] : []),
        undone(readingCall(source), writingText(source)),
      ];
  }
}

function someSteps(plan: Plan, depth: number, length: number): Step[] {
  const { random } = plan.source;
  const steps: Step[] = [];
  for (let n = 0; n < length; n++) {
    const drawn = random();
    if (plan.kind === 'writers' && random() < 0.35 && plan.writes.left-- > 0)
      steps.push({ do: 'other', write: someWrite(plan.source, plan.source.fresh()) });
    if (drawn < (depth === 0 ? 0.3 : 0.12) && depth < 2) steps.push(undonePart(plan, depth));
    else if (drawn < 0.38 && depth < 2) {
      const form = oneOf(random, keptForms);
      steps.push({ do: 'kept', form, steps: someSteps(plan, depth + 1, between(random, 1, 3)) });
    } else steps.push({ do: 'call', call: someCall(plan) });
  }
  return steps;
}

function someCall(plan: Plan): Call {
  const { random } = plan.source;
  if (plan.onStatementError === 'savepoint' && random() < 0.15) {
    return oneOf(random, [failingCall, partlyFailingCall, attemptToCreate])(plan.source);
  }
  return oneOf(random, plan.maker as readonly [Maker])(plan.source);
}

function undonePart(plan: Plan, depth: number): Step {
  const { random } = plan.source;
  const rounds = Array.from({ length: random() < 0.75 ? 1 : 2 }, () => {
    const steps = someSteps(plan, depth + 1, between(random, 1, 4));
    // Half of them begin with what a program may go on to believe.
    if (random() < 0.5) {
      const believed = oneOf(random, [balanceRead, copyRead, readingCall, readingCall]);
      steps.unshift({ do: 'call', call: believed(plan.source) });
    }
    if (random() < 0.4) {
      const failing = oneOf(random, [failingCall, partlyFailingCall, attemptToCreate]);
      steps.push({ do: 'call', call: failing(plan.source) });
    }
    return steps;
  });
  const form = rounds.length > 1 ? oneOf(random, ['handle', 'name'] as const) : oneOf(random, undoneForms);
  return { do: 'undone', form, rounds };
}

/** Another client sets a time that is about to come, as the one at which a lock ends. */
function someDueTime({ random }: Source, number: number): OtherWrite {
  const soon = between(random, 0, 40);
  return {
    label: `UPSERT copy:1 SET until = in ${soon} ms`,
    async run(pool, moments) {
      const at = Date.now() + soon;
      const until = new DateTime([BigInt(Math.floor(at / 1000)), BigInt((at % 1000) * 1_000_000 + number)]);
      moments.set(momentText(until.toString()), `moment ${number} of another`);
      await pool.query('UPSERT copy:1 SET until = $until RETURN NONE', { until });
    },
  };
}

/** @param number of the write in its program, which names what it writes */
function someWrite(source: Source, number: number): OtherWrite {
  const { random } = source;
  const n = between(random, 0, 5);
  const value = 1000 + between(random, 0, 99);
  const plain = (sent: string, bindings: Bindings = {}): OtherWrite => ({
    label: `${sent} ${JSON.stringify(bindings)}`,
    run: async (pool) => void (await pool.query(sent, bindings)),
  });
  return oneOf(random, [
    () => plain(`UPSERT acc:${n} SET n = ${value}, label = ${n} RETURN NONE`),
    () => plain(`UPSERT acc:${n} SET n = ${value}, label = ${n} RETURN NONE`),
    () => plain(`DELETE acc:${n} RETURN NONE`),
    () => plain(`UPSERT elsewhere:${n} SET n = ${value} RETURN NONE`),
    () => plain(`UPSERT item:${n} SET label = ${n}, price = 5 RETURN NONE`, { user: 'another', rate: 2 }),
    () => someDueTime(source, number),
  ])();
}
