import { isSet, type RecordedTransaction } from './history.js';

/** What others had written under a key, as one transaction saw it: its own writes are taken out. */
export interface Seen {
  readonly key: string;
  /** Undefined when the transaction has only counted them. */
  readonly values: readonly number[] | undefined;
  readonly count: number;
  /** Whether a rollback to a savepoint undid the read. */
  readonly undone: boolean;
}

/** What one transaction saw and left, judged by itself. */
export interface Account {
  readonly transaction: RecordedTransaction;
  /** By key; of several reads the first that gave values. */
  readonly seen: ReadonlyMap<string, Seen>;
  /** What it wrote and no rollback undid, by key and in its order. */
  readonly left: ReadonlyMap<string, readonly number[]>;
  /** What it wrote and a rollback undid. */
  readonly undone: ReadonlySet<number>;
  /** What is wrong with it already. */
  readonly faults: readonly AccountFault[];
}

export interface AccountFault {
  readonly kind: 'own writes' | 'non-repeatable read' | 'phantom';
  readonly text: string;
}

/** Follows the events of one transaction, and takes what it wrote itself out of what it read. */
export function accountOf(transaction: RecordedTransaction): Account {
  const { events } = transaction;
  const undoneEvents = undoneIn(transaction);
  const seen = new Map<string, Seen>();
  const faults: AccountFault[] = [];
  const undone = new Set<number>();
  let own: { readonly key: string; readonly value: number }[] = [];
  const marks = new Map<number, number>();
  events.forEach((event, index) => {
    if (event.do === 'savepoint') marks.set(event.number, own.length);
    else if (event.do === 'rollback') {
      const mark = marks.get(event.number) ?? 0;
      for (const { value } of own.slice(mark)) undone.add(value);
      own = own.slice(0, mark);
    } else if (event.do === 'write') own.push({ key: event.key, value: event.value });
    else {
      const { key } = event;
      const mine = own.filter((each) => each.key === key).map(({ value }) => value);
      const found = withoutOwn(event, mine, undone);
      if (typeof found === 'string') {
        faults.push({ kind: 'own writes', text: found });
        return;
      }
      const now: Seen = { key, ...found, undone: undoneEvents[index] ?? false };
      const before = seen.get(key);
      if (before !== undefined && !isSame(before, now)) {
        const kind = isSet(key) ? 'phantom' : 'non-repeatable read';
        faults.push({ kind, text: `it found ${shown(before)} of others in ${key}, and then ${shown(now)}` });
      }
      if (before === undefined || before.values === undefined) seen.set(key, now);
    }
  });
  const left = new Map<string, number[]>();
  for (const { key, value } of own) left.set(key, [...(left.get(key) ?? []), value]);
  return { transaction, seen, left, undone, faults };
}

/** Which events a later rollback undoes. */
function undoneIn({ events }: RecordedTransaction): boolean[] {
  const undone = events.map(() => false);
  const marks = new Map<number, number>();
  events.forEach((event, index) => {
    if (event.do === 'savepoint') marks.set(event.number, index);
    if (event.do === 'rollback') undone.fill(true, marks.get(event.number) ?? 0, index);
  });
  return undone;
}

type Read =
  | { readonly do: 'read'; readonly values: readonly number[] }
  | { readonly do: 'count'; readonly count: number };

/** What was read, without the transaction's own values; a sentence when those are not there as they have to be. */
function withoutOwn(
  read: Read & { readonly key: string },
  own: readonly number[],
  undone: ReadonlySet<number>,
): { readonly values: readonly number[] | undefined; readonly count: number } | string {
  const { key } = read;
  if (read.do === 'count') {
    if (read.count >= own.length) return { values: undefined, count: read.count - own.length };
    return `it counted ${read.count} in ${key} and had written ${own.length} itself`;
  }
  const { values } = read;
  const ghost = values.find((value) => undone.has(value));
  if (ghost !== undefined) return `it found ${ghost} in ${key}, which it had undone`;
  const expected = `it found ${list(values)} in ${key}, and had itself written ${list(own)}`;
  if (isSet(key)) {
    if (!own.every((value) => values.includes(value))) return expected;
    const others = values.filter((value) => !own.includes(value)).sort((one, other) => one - other);
    return { values: others, count: others.length };
  }
  const count = values.length - own.length;
  // What a transaction appends stands at the end for itself: no other can append behind it before it ends.
  if (count < 0 || !own.every((value, at) => values[count + at] === value)) return expected;
  return { values: values.slice(0, count), count };
}

function isSame(one: Seen, other: Seen): boolean {
  if (one.values === undefined || other.values === undefined) return one.count === other.count;
  return String(one.values) === String(other.values);
}

function shown({ values, count, undone }: Seen): string {
  return `${values === undefined ? `${count} values` : list(values)}${undone ? ' (undone)' : ''}`;
}

/** The last values of a list, which are what differs. */
export function list(values: readonly number[]): string {
  return values.length > 8 ? `[… ${values.slice(-8).join(' ')}]` : `[${values.join(' ')}]`;
}
