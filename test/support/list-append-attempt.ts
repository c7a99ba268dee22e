import { RecordId, type SurrealQueryable } from 'surrealdb';
import type { Transaction } from '../../src/index.js';
import type { Recording } from './history.js';
import type { Failing, Keys, Part, Program, Step } from './list-append-program.js';

/** Empties the tables, and makes the lists anew. */
export async function prepareLists(ask: (text: string) => PromiseLike<unknown>, keys: Keys): Promise<void> {
  const rows = [...keys.hot, ...keys.cold].map((name) => {
    return `CREATE list:${name} SET name = '${name}', hot = ${keys.hot.includes(name)}, items = [];`;
  });
  const tables = ['list', 'entry', 'claim', 'taken'];
  await ask(tables.map((table) => `DEFINE TABLE IF NOT EXISTS ${table}; DELETE ${table};`).join(''));
  const claims = Array.from({ length: keys.places / 2 }, (_, half) => `CREATE claim:${2 * half + 1};`);
  await ask(`CREATE taken:1; ${claims.join(' ')} ${rows.join(' ')}`);
}

interface ListRow {
  readonly name: string;
  /** Missing where a server loses it, which a history has to show. */
  readonly items?: readonly number[] | undefined;
}

/** What the history calls them. */
export const keyOfList = (name: string) => `list ${name}`;
export const keyOfGroup = (group: number) => `set ${group}`;

/** Reads everything that is stored. */
export async function storedLists(
  ask: (text: string) => PromiseLike<unknown[]>,
  groups: readonly number[],
): Promise<Map<string, readonly number[]>> {
  const [lists, entries] = (await ask('SELECT name, items FROM list; SELECT group, number FROM entry')) as [
    ListRow[],
    { group: number; number: number }[],
  ];
  const stored = new Map<string, number[]>(lists.map(({ name, items }) => [keyOfList(name), [...(items ?? [])]]));
  for (const group of groups) stored.set(keyOfGroup(group), []);
  for (const { group, number } of entries) stored.get(keyOfGroup(group))?.push(number);
  return stored;
}

/** Appends with one call, and records what its answer shows. */
export async function append(queries: SurrealQueryable, recording: Recording, name: string): Promise<void> {
  const value = recording.write(keyOfList(name));
  const [[row]] = await queries.query<[[ListRow]]>('UPDATE $list SET items += $value', { list: list(name), value });
  recording.read(keyOfList(name), row.items ?? []);
}

export async function insert(
  queries: SurrealQueryable,
  recording: Recording,
  group: number,
  how: 'text' | 'builder',
): Promise<void> {
  const number = recording.write(keyOfGroup(group));
  const record = new RecordId('entry', [group, number]);
  if (how === 'builder') await queries.create(record).content({ group, number });
  else await queries.query('CREATE $record SET group = $group, number = $number', { record, group, number });
}

/** Creates or deletes what transactions claim. */
export async function toggle(queries: SurrealQueryable, place: number): Promise<void> {
  await queries.query('IF $record.exists() { DELETE $record RETURN NONE } ELSE { CREATE $record }', {
    record: new RecordId('claim', place),
  });
}

/** What a program throws because it wants to be undone. */
export class Wanted extends Error {}

/** One run of a program in a transaction that is open. */
export class Attempt {
  readonly #transaction: Transaction;
  readonly #recording: Recording;
  readonly #program: Program;
  readonly #wait: () => Promise<void>;
  /** What was read last of each list, without the transaction's own values: undone reads are among it. */
  readonly #others = new Map<string, readonly number[]>();
  /** All values that it ever wrote. */
  readonly #own = new Set<number>();
  /** Places that it ever claimed with success. */
  readonly #claimed = new Set<number>();
  #appended: { readonly name: string; readonly value: number }[] = [];
  /** How many parts and calls were undone alone. */
  undone = 0;

  constructor(transaction: Transaction, recording: Recording, program: Program, wait: () => Promise<void>) {
    this.#transaction = transaction;
    this.#recording = recording;
    this.#program = program;
    this.#wait = wait;
  }

  async run(): Promise<void> {
    await this.#steps(this.#program.steps);
    if (this.#program.throws) throw new Wanted('the program wants nothing of it to be applied');
  }

  async #steps(steps: readonly Step[]): Promise<void> {
    for (const step of steps) await this.#step(step);
  }

  async #step(step: Step): Promise<void> {
    switch (step.do) {
      case 'read':
        return await this.#read(step);
      case 'append':
        return await this.#append(step);
      case 'insert':
        return await insert(this.#transaction, this.#recording, step.group, step.how);
      case 'look':
        return await this.#look(step);
      case 'claim':
        return await this.#claim(step.place).catch((error: unknown) => this.#goOnAfter(error));
      case 'wait':
        return await this.#wait();
      case 'failing':
        return await this.#failing(step).catch((error: unknown) => this.#goOnAfter(error));
      case 'part':
        return step.form === 'savepoint' ? await this.#byHand(step) : await this.#within(step, step.form);
    }
  }

  async #read({ list: name, how }: Step & { do: 'read' }): Promise<void> {
    if (how === 'text') {
      const [items] = await this.#transaction.query<[ListRow['items']]>(`SELECT VALUE items FROM ONLY $list`, {
        list: list(name),
      });
      this.#found({ name, items });
    } else if (how === 'builder') {
      const row = await this.#transaction.select<ListRow>(list(name));
      this.#found({ name, items: row?.items });
    } else {
      const condition = how === 'hot' ? ' WHERE hot' : '';
      const [rows] = await this.#transaction.query<[ListRow[]]>(`SELECT name, items FROM list${condition}`);
      for (const row of rows) this.#found(row);
    }
  }

  #found({ name, items = [] }: ListRow): void {
    this.#recording.read(keyOfList(name), items);
    this.#others.set(
      name,
      items.filter((value) => !this.#own.has(value)),
    );
  }

  async #append({ list: name, how }: Step & { do: 'append' }): Promise<void> {
    if (how === 'derived' && !this.#others.has(name)) await this.#read({ do: 'read', list: name, how: 'text' });
    const value = this.#write(name);
    const binding = { list: list(name), value };
    if (how === 'derived') {
      const own = this.#appended.filter((each) => each.name === name).map((each) => each.value);
      await this.#transaction.update(list(name)).merge({ items: [...(this.#others.get(name) ?? []), ...own] });
    } else if (how === 'plain') {
      await this.#transaction.query('UPDATE $list SET items += $value RETURN NONE', binding);
    } else {
      const [[row]] = await this.#transaction.query<[[ListRow]]>('UPDATE $list SET items += $value', binding);
      this.#found(row);
    }
  }

  #write(name: string): number {
    const value = this.#recording.write(keyOfList(name));
    this.#own.add(value);
    this.#appended.push({ name, value });
    return value;
  }

  async #look({ group, how }: Step & { do: 'look' }): Promise<void> {
    const key = keyOfGroup(group);
    if (how === 'count') {
      const text = 'SELECT count() FROM entry WHERE group = $group GROUP ALL';
      const [rows] = await this.#transaction.query<[{ count: number }[]]>(text, { group });
      this.#recording.count(key, rows[0]?.count ?? 0);
      return;
    }
    const from = how === 'range' ? `entry:[${group}, NONE]..[${group + 1}, NONE]` : 'entry WHERE group = $group';
    const [numbers] = await this.#transaction.query<[number[]]>(`SELECT VALUE number FROM ${from}`, { group });
    this.#recording.read(key, numbers);
  }

  /** Only whether it is there is recorded, and whether that changes: others create and delete it as they like. */
  async #claim(place: number): Promise<void> {
    if (this.#claimed.has(place)) return;
    const undo = this.#mark();
    try {
      await this.#transaction.create(new RecordId('claim', place));
      this.#claimed.add(place);
      this.#recording.count(`claim ${place}`, 0);
    } catch (error) {
      if (!/already exists/.test(String(error))) throw error;
      this.#recording.count(`claim ${place}`, 1);
      if (this.#program.onStatementError === 'savepoint' && this.#transaction.state === 'active') undo();
      throw new Wanted('it is there already', { cause: error });
    }
  }

  /** Rejects. With `onStatementError: 'savepoint'` it is undone alone. */
  async #failing({ how, read, written }: Failing): Promise<void> {
    const undo = this.#mark();
    try {
      if (how === 'throw') await this.#transaction.query('THROW "wanted"');
      else if (how === 'taken') await this.#transaction.create(new RecordId('taken', 1));
      else await this.#several(read, written);
    } catch (error) {
      if (this.#program.onStatementError === 'savepoint' && this.#transaction.state === 'active') undo();
      if (!/already exists|wanted/.test(String(error))) throw error;
      throw new Wanted('a call failed that was to fail', { cause: error });
    }
    throw new Error(`the call that was to fail did not: ${how}`);
  }

  async #several(read: string, written: string): Promise<void> {
    const value = this.#write(written);
    const text = `SELECT VALUE items FROM ONLY $read; UPDATE $written SET items += $value; CREATE taken:1`;
    const binding = { read: list(read), written: list(written), value };
    const [before, updated, failed] = await this.#transaction
      .query<[ListRow['items'], [ListRow], unknown]>(text, binding)
      .responses();
    if (before?.success === true) this.#found({ name: read, items: before.result });
    if (updated?.success === true) this.#found(updated.result[0]);
    if (failed?.success === false) throw failed.error;
  }

  async #byHand({ steps, end, failing }: Part): Promise<void> {
    const undo = this.#mark();
    const savepoint = await this.#transaction.savepoint();
    await this.#steps(steps);
    if (end === 'kept') return await savepoint.release();
    if (end !== 'thrown') await this.#failing(failing).catch(() => {});
    await savepoint.rollback();
    undo();
  }

  async #within({ steps, end, failing }: Part, form: 'withSavepoint' | 'withTransaction'): Promise<void> {
    const undo = this.#mark();
    let wanted = false;
    try {
      await this.#transaction[form](async () => {
        await this.#steps(steps);
        wanted = true;
        if (end === 'thrown') throw new Wanted('the part wants to be undone');
        if (end === 'statement') await this.#failing(failing);
        if (end === 'hidden') await this.#failing(failing).catch(() => {});
      });
    } catch (error) {
      // What its own steps could not do ends all of it; so does a rollback that was refused, after which it is aborted.
      if (!wanted || this.#transaction.state !== 'active') throw error;
      undo();
    }
  }

  /** Throws on when the error has ended more than its call. */
  #goOnAfter(error: unknown): void {
    if (this.#transaction.state !== 'active') throw error;
  }

  /** Records a place to which there may be a rollback, and gives what records that one. */
  #mark(): () => void {
    const number = this.#recording.savepoint();
    const length = this.#appended.length;
    return () => {
      this.#recording.rollback(number);
      this.#appended = this.#appended.slice(0, length);
      this.undone++;
    };
  }
}

function list(name: string): RecordId {
  return new RecordId('list', name);
}
