import { Dependencies, type Dependency } from './dependency-cycles.js';
import { type History, isSet, type RecordedTransaction } from './history.js';
import { type Account, accountOf, list, type Seen } from './transaction-account.js';

/**
 * Holds a history against snapshot isolation, in the way of Adya's and of Elle's: who wrote which value is known, and the
 * order of a list is the order of its versions. So the dependencies between transactions are known as well:
 * - `ww`: one wrote the version after the other's
 * - `wr`: one read what the other had written
 * - `rw`: one read the version that the other then replaced
 *
 * A cycle in which no two `rw` stand side by side cannot happen under snapshot isolation. One in which two do is write
 * skew, which can. Reads that a rollback to a savepoint undid count like all others: the program has seen them.
 */
export interface Anomaly {
  readonly kind: AnomalyKind;
  readonly text: string;
  /** The numbers of the transactions that it is about. */
  readonly transactions: readonly number[];
}

export type AnomalyKind =
  | Account['faults'][number]['kind']
  | 'G0'
  | 'G1a: aborted read'
  | 'G1b: intermediate read'
  | 'G1c'
  | 'G-single: lost update'
  | 'G-single: phantom'
  | 'G-single: read skew'
  | 'G-nonadjacent'
  | 'aborted write'
  | 'double commit'
  | 'lost write'
  | 'partial commit'
  | 'stale read'
  | 'unordered read'
  | 'value from nowhere';

interface Writer {
  readonly account: Account;
  readonly key: string;
  readonly isUndone: boolean;
}

// More cycles than these only say the same again.
const mostCycles = 10;

/** Everything in a history that snapshot isolation does not allow. */
export function anomaliesOf(history: History): Anomaly[] {
  return new SerializationGraph(history).anomalies;
}

export class SerializationGraph {
  readonly anomalies: Anomaly[] = [];
  readonly #history: History;
  readonly #accounts: readonly Account[];
  readonly #writers = new Map<number, Writer>();
  readonly #dependencies = new Dependencies();

  constructor(history: History) {
    this.#history = history;
    this.#accounts = history.transactions.map(accountOf);
    for (const account of this.#accounts) {
      for (const event of account.transaction.events) {
        if (event.do !== 'write') continue;
        const { key, value } = event;
        this.#writers.set(value, { account, key, isUndone: account.undone.has(value) });
      }
      for (const { kind, text } of account.faults) {
        this.#report(kind, `${name(account.transaction)}: ${text}`, [account.transaction]);
      }
    }
    for (const [key, values] of history.stored) this.#judgeStored(key, values);
    for (const account of this.#accounts) {
      this.#judgeEnd(account);
      for (const seen of account.seen.values()) this.#judgeRead(account, seen);
    }
    for (const [key, values] of history.stored) if (!isSet(key)) this.#connectVersions(key, values);
    this.#judgeCycles();
  }

  #report(kind: AnomalyKind, text: string, involved: readonly RecordedTransaction[]): void {
    const events = involved.map((transaction) => `\n    ${told(transaction)}`).join('');
    this.anomalies.push({ kind, text: text + events, transactions: involved.map(({ number }) => number) });
  }

  #judgeStored(key: string, values: readonly number[]): void {
    for (const value of repeated(values)) {
      const writer = this.#writers.get(value);
      this.#report(
        'double commit',
        `${key} has ${value} twice: ${list(values)}`,
        writer ? [writer.account.transaction] : [],
      );
    }
    for (const value of new Set(values)) {
      const writer = this.#writers.get(value);
      if (writer === undefined || writer.key !== key) {
        this.#report('value from nowhere', `${key} has ${value}, which was not written there`, []);
      } else if (writer.isUndone || writer.account.transaction.told === 'aborted') {
        const why = writer.isUndone ? 'undone' : 'written by a transaction that was aborted';
        this.#report('aborted write', `${key} has ${value}, which was ${why}`, [writer.account.transaction]);
      }
    }
  }

  /** Whether everything of it is there, or nothing. */
  #judgeEnd(account: Account): void {
    const { transaction, left } = account;
    if (transaction.told === 'aborted') return;
    const [there, missing]: [string[], string[]] = [[], []];
    for (const [key, values] of left) {
      const stored = this.#stored(key);
      for (const value of values) (stored.has(value) ? there : missing).push(`${value} in ${key}`);
    }
    if (missing.length === 0) return;
    if (transaction.told === 'committed') {
      const rivals = this.#accounts.filter(
        (other) => other.transaction.told !== 'aborted' && other !== account && overwrites(other, account),
      );
      const involved = [transaction, ...rivals.map((rival) => rival.transaction)];
      this.#report('lost write', `${name(transaction)} was committed, and nothing is stored of ${missing}`, involved);
    } else if (there.length > 0) {
      this.#report('partial commit', `of ${name(transaction)} ${there} is stored, and not ${missing}`, [transaction]);
    }
  }

  #judgeRead(account: Account, seen: Seen): void {
    const { transaction } = account;
    const { key, values } = seen;
    if (values === undefined) return;
    const what = `${name(transaction)} read ${list(values)} of ${key}${seen.undone ? ' (undone)' : ''}`;
    for (const value of repeated(values)) this.#report('double commit', `${what}, with ${value} twice`, [transaction]);
    for (const value of values) {
      const writer = this.#writers.get(value);
      if (writer === undefined)
        this.#report('value from nowhere', `${what}: no transaction wrote ${value}`, [transaction]);
      else if (writer.isUndone || writer.account.transaction.told === 'aborted') {
        const whose = name(writer.account.transaction);
        this.#report('G1a: aborted read', `${what}: ${value} of ${whose} was never committed`, [
          transaction,
          writer.account.transaction,
        ]);
      }
    }
    for (const other of this.#torn(key, values)) {
      const left = list(other.left.get(key) ?? []);
      this.#report('G1b: intermediate read', `${what}, and ${name(other.transaction)} wrote ${left} there`, [
        transaction,
        other.transaction,
      ]);
    }
    this.#judgeAge(account, seen, values, what);
    if (isSet(key)) this.#connectSet(account, key, values);
    else this.#connectRead(account, key, values, what);
  }

  /** Those of whose writes to the key some were read, and some were not. */
  #torn(key: string, values: readonly number[]): Account[] {
    const read = new Set(values);
    const writers = new Set<Account>();
    for (const value of values) {
      const writer = this.#writers.get(value);
      if (writer !== undefined && !writer.isUndone) writers.add(writer.account);
    }
    return [...writers].filter(({ left }) => left.get(key)?.some((value) => !read.has(value)) === true);
  }

  /** What was acknowledged before the begin has to be seen. */
  #judgeAge({ transaction }: Account, { key }: Seen, values: readonly number[], what: string): void {
    const read = new Set(values);
    for (const value of this.#stored(key)) {
      const writer = this.#writers.get(value)?.account.transaction;
      if (read.has(value) || writer === undefined || writer === transaction || writer.told !== 'committed') continue;
      if (writer.ended >= transaction.begun) continue;
      this.#report('stale read', `${what}, begun after ${value} was committed`, [transaction, writer]);
      return;
    }
  }

  #connectRead({ transaction }: Account, key: string, values: readonly number[], what: string): void {
    const stored = this.#history.stored.get(key) ?? [];
    if (!values.every((value, at) => stored[at] === value)) {
      this.#report('unordered read', `${what}, which is not how ${list(stored)} began`, [transaction]);
      return;
    }
    const last = values.at(-1);
    if (last !== undefined)
      this.#connect('wr', this.#writerOf(last), transaction, key, `wrote ${last}, which was read`);
    const next = stored[values.length];
    if (next === undefined) return;
    this.#connect('rw', transaction, this.#writerOf(next), key, `read it without ${next}, which came then`);
  }

  #connectSet({ transaction }: Account, key: string, values: readonly number[]): void {
    const read = new Set(values);
    for (const value of this.#stored(key)) {
      const writer = this.#writerOf(value);
      if (read.has(value)) this.#connect('wr', writer, transaction, key, `wrote ${value}, which was read`);
      else this.#connect('rw', transaction, writer, key, `read it without ${value}, which came then`);
    }
  }

  #connectVersions(key: string, values: readonly number[]): void {
    values.forEach((value, at) => {
      const before = values[at - 1];
      if (before === undefined) return;
      this.#connect(
        'ww',
        this.#writerOf(before),
        this.#writerOf(value),
        key,
        `wrote ${before}, and ${value} came next`,
      );
    });
  }

  #connect(
    type: Dependency['type'],
    from: RecordedTransaction | undefined,
    to: RecordedTransaction | undefined,
    key: string,
    why: string,
  ): void {
    if (from !== undefined && to !== undefined) {
      this.#dependencies.add({ from: from.number, to: to.number, type, key, why });
    }
  }

  #judgeCycles(): void {
    const known = new Set<string>();
    for (const cycle of this.#dependencies.cycles()) {
      const members = new Set(cycle.map(({ from }) => from));
      const name = String([...members].sort((one, other) => one - other));
      if (known.has(name) || known.size === mostCycles) continue;
      known.add(name);
      const involved = this.#history.transactions.filter(({ number }) => members.has(number));
      this.#report(kindOf(cycle), `a cycle of ${cycle.length}:${cycle.map(shown).join('')}`, involved);
    }
  }

  #stored(key: string): ReadonlySet<number> {
    return new Set(this.#history.stored.get(key));
  }

  #writerOf(value: number): RecordedTransaction | undefined {
    return this.#writers.get(value)?.account.transaction;
  }
}

function kindOf(cycle: readonly Dependency[]): AnomalyKind {
  const [reads, others] = [cycle.filter(({ type }) => type === 'rw'), cycle.filter(({ type }) => type !== 'rw')];
  const [only] = reads;
  if (only === undefined) return others.every(({ type }) => type === 'ww') ? 'G0' : 'G1c';
  if (reads.length > 1) return 'G-nonadjacent';
  if (isSet(only.key)) return 'G-single: phantom';
  const isUpdate = others.every(({ type, key }) => type === 'ww' && key === only.key);
  return isUpdate ? 'G-single: lost update' : 'G-single: read skew';
}

function shown({ from, to, type, key, why }: Dependency): string {
  return `\n    T${from} -${type}-> T${to}: T${from} ${why} (${key})`;
}

/** Whether it wrote under the same key without having seen what the other one wrote there, whose order is lost with it. */
function overwrites(other: Account, account: Account): boolean {
  return [...other.left.keys()].some((key) => {
    const [theirs, ours] = [other.seen.get(key), account.seen.get(key)];
    return account.left.has(key) && theirs !== undefined && String(theirs.values) === String(ours?.values);
  });
}

function name({ number, label }: RecordedTransaction): string {
  return `T${number} (${label})`;
}

/** A whole transaction on one line. */
function told({ number, label, told: end, events }: RecordedTransaction): string {
  const words = events.map((event) => {
    if (event.do === 'write') return `${event.key} << ${event.value}`;
    if (event.do === 'read') return `${event.key} = ${list(event.values)}`;
    if (event.do === 'count') return `#${event.key} = ${event.count}`;
    return `${event.do} ${event.number}`;
  });
  return `T${number} (${label}, ${end}): ${words.join(' · ')}`;
}

function repeated(values: readonly number[]): Set<number> {
  return new Set(values.filter((value, at) => values.indexOf(value) !== at));
}
