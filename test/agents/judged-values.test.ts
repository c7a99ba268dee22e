import { RecordId, Table } from 'surrealdb';
import { describe, expect, test } from 'vitest';
import { ownValues } from '../../src/calls/own-values.js';
import { type AgentSessionOptions, type StatementGuard, StatementRefusedError, UsageError } from '../../src/index.js';
import { surroundings } from '../support/surroundings.js';

const own = surroundings();

describe('what is sent is what was judged', () => {
  /** Sends a call that waits for a connection, and changes its values meanwhile. */
  const changedWhileWaiting = async (
    options: Partial<AgentSessionOptions>,
    text: string,
    bindings: Record<string, unknown>,
    change: () => void,
    where: 'call' | 'lease' | 'transaction',
  ): Promise<unknown[]> => {
    const pool = await own.pool('mem://', { maxConnections: 1 });
    await pool.query('CREATE person:1, person:2, person:3');
    const session = pool.createSession({ agentId: 'a', ...options });
    if (where === 'call') {
      const held = await pool.acquire();
      const work = session.query(text, bindings).then((answer) => answer);
      await new Promise((resolve) => setImmediate(resolve));
      change();
      held.release();
      await work;
    } else {
      const send = async (one: { query: typeof pool.query }): Promise<void> => {
        const work = one.query(text, bindings).then((answer) => answer);
        await new Promise((resolve) => setImmediate(resolve));
        change();
        await work;
      };
      if (where === 'lease') await session.withConnection(send);
      else await session.withTransaction(send);
    }
    const [left] = await pool.query<[unknown[]]>('SELECT VALUE id.id() FROM person');
    return left;
  };

  test('an array of records stays one when it is changed to a table', async () => {
    const what: unknown[] = [new RecordId('person', 1)];
    const change = (): void => {
      what[0] = new Table('person');
    };
    const options = { confirmDestructive: true };
    expect(await changedWhileWaiting(options, 'DELETE $what', { what }, change, 'call')).toEqual([2, 3]);
  });

  test.each(['call', 'lease', 'transaction'] as const)(
    'what a guard function has seen is sent, by a %s',
    async (where) => {
      const what = { ids: [new RecordId('person', 1)] };
      const change = (): void => {
        what.ids = [new RecordId('person', 2), new RecordId('person', 3)];
      };
      const guard: StatementGuard = async ({ bindings }): Promise<'allow'> => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        expect(bindings).toEqual({ what: { ids: [new RecordId('person', 1)] } });
        // Nor does the guard function change it.
        Object.assign(bindings.what as object, { ids: [] });
        return 'allow';
      };
      expect(await changedWhileWaiting({ guard }, 'DELETE $what.ids', { what }, change, where)).toEqual([2, 3]);
    },
  );

  test('a getter is read once', async () => {
    const pool = await own.pool('mem://');
    await pool.query('CREATE person:1, person:2');
    const session = pool.createSession({ agentId: 'a', confirmDestructive: true });
    let reads = 0;
    const what = [new RecordId('person', 1)];
    Object.defineProperty(what, 0, {
      enumerable: true,
      get: () => (reads++ === 0 ? new RecordId('person', 1) : new Table('person')),
    });
    await session.query('DELETE $what', { what });
    expect(reads).toBe(1);
    expect(await pool.query('SELECT VALUE id.id() FROM person')).toEqual([[2]]);
    await expect(session.query('DELETE $what', { what }).then((answer) => answer)).rejects.toThrow(
      StatementRefusedError,
    );
  });

  test('values that cannot be copied fail the call, and leave a transaction usable', async () => {
    const pool = await own.pool('mem://');
    const session = pool.createSession({ agentId: 'a', confirmDestructive: true });
    const endless: unknown[] = [];
    endless.push(endless);
    const throwing = {
      get value(): never {
        throw new RangeError('no value');
      },
    };
    await expect((async () => await session.query('RETURN $endless', { endless }))()).rejects.toThrow(UsageError);
    await expect((async () => await session.query('RETURN $throwing', { throwing }))()).rejects.toThrow('no value');
    await session.withTransaction(async (transaction) => {
      await expect((async () => await transaction.query('RETURN $endless', { endless }))()).rejects.toThrow(UsageError);
      await transaction.query('CREATE person:1');
    });
    expect(session.sessionStats()).toMatchObject({ totalOperations: 1, activeConnections: 0 });
    expect(await pool.query('SELECT VALUE id.id() FROM person')).toEqual([[1]]);
  });

  test('the copy has the values of all kinds', () => {
    const values = {
      list: [1, [2, undefined], null],
      object: { a: { b: 'c' }, ['__proto__']: 1 },
      record: new RecordId('person', ['a', { b: 1 }]),
      table: new Table('person'),
      map: new Map<string, unknown>([['a', [1]]]),
      set: new Set([1, 'a']),
      bytes: new Uint8Array([1, 2]),
      date: new Date(5),
      big: 5n,
    };
    const copy = ownValues(values);
    expect(copy).toEqual(values);
    expect(Object.keys(copy.object as object)).toEqual(['a', '__proto__']);
    expect(copy.list).not.toBe(values.list);
    expect(copy.bytes).not.toBe(values.bytes);
    expect((copy.record as RecordId).id).not.toBe(values.record.id);
  });
});

test('many guard functions at once add one listener to a signal', async () => {
  const pool = await own.pool('mem://');
  const session = pool.createSession({ agentId: 'a', guard: () => new Promise(() => {}) });
  const warnings: Error[] = [];
  const warned = (warning: Error): void => {
    warnings.push(warning);
  };
  process.on('warning', warned);
  const ended = Array.from({ length: 20 }, () => session.query('RETURN 1').then((answer) => answer));
  const refused = Promise.all(ended.map((work) => expect(work).rejects.toThrow(StatementRefusedError)));
  await new Promise((resolve) => setTimeout(resolve, 5));
  await session.close({ gracePeriod: 0 });
  await refused;
  process.off('warning', warned);
  expect(warnings.filter(({ name }) => name === 'MaxListenersExceededWarning')).toEqual([]);
  expect(session.sessionStats()).toMatchObject({ totalOperations: 0, activeConnections: 0 });
});
