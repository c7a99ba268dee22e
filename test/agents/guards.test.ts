import { RecordId, Table } from 'surrealdb';
import { describe, expect, test } from 'vitest';
import { type GuardedStatement, type GuardOptions, Guards } from '../../src/agents/guards.js';
import { StatementRefusedError } from '../../src/errors/agent.js';
import { UsageError } from '../../src/index.js';
import { SurrealText } from '../../src/surrealql/surreal-text.js';

const session = { agentId: 'clerk', sessionId: 's1' };
const guards = (options: GuardOptions): Guards => {
  const made = Guards.of(options, session);
  if (made === undefined) throw new Error('these options make no guards');
  return made;
};
const call = (text: string, bindings: Readonly<Record<string, unknown>> = {}) => ({
  surrealText: new SurrealText(text),
  bindings,
});
const refused = (check: () => unknown): unknown => {
  try {
    return check();
  } catch (error) {
    return error;
  }
};

describe('guards', () => {
  test('are none when no option asks for them', () => {
    expect(Guards.of({}, session)).toBeUndefined();
    expect(Guards.of({ access: 'write', confirmDestructive: false, guard: undefined }, session)).toBeUndefined();
  });

  test.each([
    { access: 'Read' },
    { access: '' },
    { access: null },
    { access: true },
    { confirmDestructive: 'yes' },
    { confirmDestructive: null },
    { guard: 'allow' },
    { guard: null },
  ])('refuse an option that means nothing: %o', (options) => {
    expect(() => Guards.of(options as unknown as GuardOptions, session)).toThrow(UsageError);
  });

  test('with access read refuse what may write, confirmed or not', () => {
    const own = guards({ access: 'read' });
    expect(own.check(call('SELECT * FROM person; INFO FOR DB'))).toBeUndefined();
    const error = refused(() => own.check(call("SELECT 1; CREATE person SET name = 'secret'"), { confirmed: true }));
    expect(error).toBeInstanceOf(StatementRefusedError);
    expect(error).toMatchObject({
      code: 'ERR_POOL_STATEMENT_REFUSED',
      rule: 'access',
      outcome: 'not-sent',
      retryable: false,
      statement: "CREATE person SET name = '…'",
      message: expect.stringContaining('"clerk"') as unknown,
    });
    expect(String(error)).not.toContain('secret');
  });

  test('with confirmDestructive refuse what is destructive, unless it is confirmed', () => {
    const own = guards({ confirmDestructive: true });
    const all = call('DELETE $table', { table: new Table('person') });
    expect(refused(() => own.check(all))).toMatchObject({ rule: 'destructive', statement: 'DELETE $table' });
    expect(own.check(all, { confirmed: true })).toBeUndefined();
    expect(own.check(call('DELETE $id', { id: new RecordId('person', 1) }))).toBeUndefined();
    expect(own.check(call('CREATE person'))).toBeUndefined();
  });
});

describe('a guard function', () => {
  test('is asked with all that is known', async () => {
    const asked: GuardedStatement[] = [];
    const { signal } = new AbortController();
    const own = guards({
      guard: (statement) => {
        asked.push(statement);
        return 'allow';
      },
    });
    const text = 'LET $x = 1; SELECT * FROM a; DELETE a; RETURN $x; $x + 1; a.b; DEFINE TABLE b; IF true { 1 }';
    const bindings = { x: 2 };
    await expect(own.check(call(text, bindings), { confirmed: true, signal })).resolves.toBeUndefined();
    expect(asked).toEqual([
      {
        ...session,
        text,
        statements: ['LET', 'SELECT', 'DELETE', 'RETURN', 'EXPRESSION', 'EXPRESSION', 'DEFINE', 'IF'],
        bindings,
        destructive: true,
        confirmed: true,
        writes: true,
        signal,
      },
    ]);
    expect(asked[0]?.bindings).not.toBe(bindings);
    await own.check(call('SELECT * FROM a'));
    expect(asked[1]).toMatchObject({ destructive: false, confirmed: false, writes: false, signal: undefined });
  });

  test('is asked only about what the other guards let pass', () => {
    const own = guards({
      access: 'read',
      guard: () => {
        throw new Error('asked');
      },
    });
    expect(refused(() => own.check(call('CREATE a')))).toMatchObject({ rule: 'access' });
  });

  test('may take its time', async () => {
    let decide: (answer: 'allow' | 'refuse') => void = () => undefined;
    const own = guards({ guard: () => new Promise((resolve) => (decide = resolve)) });
    const allowed = own.check(call('CREATE a'));
    decide('allow');
    await expect(allowed).resolves.toBeUndefined();
    const other = own.check(call('CREATE a'));
    decide('refuse');
    await expect(other).rejects.toMatchObject({ rule: 'guard', statement: 'CREATE a' });
  });

  test.each([undefined, null, true, 'ALLOW', 'allow ', {}, ['allow'], Promise.resolve('yes')])(
    'refuses with any other answer: %o',
    async (answer) => {
      const own = guards({ guard: () => answer as 'allow' });
      await expect(own.check(call('RETURN 1'))).rejects.toMatchObject({ rule: 'guard' });
    },
  );

  test.each([
    [
      'throws',
      () => {
        throw new Error('no policy');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no policy'))],
  ])('refuses when it %s', async (_, guard) => {
    const error: unknown = await guards({ guard })
      .check(call('RETURN 1'))
      ?.catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(StatementRefusedError);
    expect(error).toMatchObject({ rule: 'guard', cause: { message: 'no policy' } });
  });

  test('is not waited for when its signal is aborted', async () => {
    const abort = new AbortController();
    let late: (error: Error) => void = () => undefined;
    const own = guards({ guard: () => new Promise((_, reject) => (late = reject)) });
    const check = own.check(call('RETURN 1'), { signal: abort.signal });
    const reason = new Error('the agent gave up');
    abort.abort(reason);
    await expect(check).rejects.toMatchObject({ rule: 'guard', cause: reason });
    late(new Error('nobody waits for this'));
    let calls = 0;
    const counting = guards({
      guard: () => {
        calls++;
        return 'allow';
      },
    });
    await expect(counting.check(call('RETURN 1'), { signal: abort.signal })).rejects.toMatchObject({ cause: reason });
    expect(calls).toBe(0);
  });

  test('that aborts its own signal allows nothing', async () => {
    const abort = new AbortController();
    const own = guards({
      guard: () => {
        abort.abort();
        return 'allow';
      },
    });
    await expect(own.check(call('RETURN 1'), { signal: abort.signal })).rejects.toMatchObject({ rule: 'guard' });
  });
});
