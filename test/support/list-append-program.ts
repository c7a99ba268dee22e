import { between, oneOf, type Random } from './seeded-random.js';

/** What a program of the list-append workload does within one transaction, drawn before it runs. */
export type Step =
  | { readonly do: 'read'; readonly list: string; readonly how: 'text' | 'builder' | 'all' | 'hot' }
  /** `derived` writes the whole list as it was read last, with the new value at its end. */
  | { readonly do: 'append'; readonly list: string; readonly how: 'plain' | 'answered' | 'derived' }
  | { readonly do: 'insert'; readonly group: number; readonly how: 'text' | 'builder' }
  | { readonly do: 'look'; readonly group: number; readonly how: 'condition' | 'range' | 'count' }
  /** Creates a record that may be there already; that it is there is an answer as well. */
  | { readonly do: 'claim'; readonly place: number }
  /** Lets others commit meanwhile. */
  | { readonly do: 'wait' }
  | Failing
  | Part;

/** A call that fails: `several` reads and writes before it does. */
export interface Failing {
  readonly do: 'failing';
  readonly how: 'throw' | 'taken' | 'several';
  readonly read: string;
  readonly written: string;
}

/** Steps behind a savepoint, and what comes at their end. */
export interface Part {
  readonly do: 'part';
  readonly form: 'savepoint' | 'withSavepoint' | 'withTransaction';
  readonly steps: readonly Step[];
  /** `statement` ends with a call that fails, `hidden` catches its error. */
  readonly end: 'kept' | 'thrown' | 'statement' | 'hidden';
  readonly failing: Failing;
}

export interface Program {
  readonly steps: readonly Step[];
  readonly onStatementError: 'abort' | 'savepoint';
  /** Whether it throws at its end, so that nothing of it is applied. */
  readonly throws: boolean;
}

/** The keys of one round. A few of them are hot: most calls go there. */
export interface Keys {
  readonly hot: readonly [string, ...string[]];
  readonly cold: readonly [string, ...string[]];
  readonly groups: readonly [number, ...number[]];
  /** How many records there are to claim. */
  readonly places: number;
}

export function drawKeys(random: Random): Keys {
  const names = (prefix: string, least: number, most: number): [string, ...string[]] => {
    const others = Array.from({ length: between(random, least, most) - 1 }, (_, index) => `${prefix}${index + 2}`);
    return [`${prefix}1`, ...others];
  };
  return { hot: names('hot', 1, 3), cold: names('cold', 4, 10), groups: [1, 2, 3], places: 8 };
}

export function drawProgram(random: Random, keys: Keys, withSavepoints: boolean): Program {
  const onStatementError = withSavepoints && random() < 0.5 ? 'savepoint' : 'abort';
  const depth = withSavepoints ? 2 : 0;
  const draw = { random, keys, fails: onStatementError === 'savepoint', inPart: false };
  return { steps: drawSteps(draw, depth, between(random, 2, 7)), onStatementError, throws: random() < 0.03 };
}

interface Draw {
  readonly random: Random;
  readonly keys: Keys;
  /** Whether a call may fail by itself, without the transaction. */
  readonly fails: boolean;
  readonly inPart: boolean;
}

function drawSteps(draw: Draw, depth: number, length: number): Step[] {
  return Array.from({ length }, () => drawStep(draw, depth));
}

function drawStep(draw: Draw, depth: number): Step {
  const { random, keys, fails } = draw;
  const chance = random();
  if (depth > 0 && chance < 0.25) return drawPart(draw, depth);
  if (fails && chance < 0.35) return drawFailing(draw);
  if ((fails || draw.inPart) && chance > 0.9) return { do: 'claim', place: between(random, 1, keys.places) };
  const list = drawList(draw);
  const group = oneOf(random, keys.groups);
  switch (oneOf(random, ['read', 'read', 'read', 'append', 'append', 'insert', 'look', 'wait'] as const)) {
    case 'read':
      return { do: 'read', list, how: oneOf(random, ['text', 'text', 'builder', 'builder', 'all', 'hot'] as const) };
    case 'append':
      return { do: 'append', list, how: oneOf(random, ['plain', 'answered', 'derived'] as const) };
    case 'insert':
      return { do: 'insert', group, how: oneOf(random, ['text', 'builder'] as const) };
    case 'look':
      return { do: 'look', group, how: oneOf(random, ['condition', 'range', 'count'] as const) };
    case 'wait':
      return { do: 'wait' };
  }
}

function drawPart(draw: Draw, depth: number): Part {
  const { random } = draw;
  return {
    do: 'part',
    form: oneOf(random, ['savepoint', 'withSavepoint', 'withTransaction'] as const),
    steps: drawSteps({ ...draw, inPart: true }, depth - 1, between(random, 1, 3)),
    end: oneOf(random, ['kept', 'thrown', 'statement', 'hidden'] as const),
    failing: drawFailing(draw),
  };
}

function drawFailing(draw: Draw): Failing {
  const read = drawList(draw);
  const others = [...draw.keys.hot, ...draw.keys.cold].filter((list) => list !== read);
  const [first = read, ...rest] = others;
  const how = oneOf(draw.random, ['throw', 'taken', 'several', 'several'] as const);
  return { do: 'failing', how, read, written: oneOf(draw.random, [first, ...rest]) };
}

function drawList({ random, keys }: Draw): string {
  return oneOf(random, random() < 0.5 ? keys.hot : keys.cold);
}
