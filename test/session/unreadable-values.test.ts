import { RecordId, StringRecordId, Table } from 'surrealdb';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/index.js';
import { surroundings } from '../support/surroundings.js';

const own = surroundings();

/** Deeper than any server reads. */
const nested = (): unknown => {
  let value: unknown = 1;
  for (let depth = 0; depth < 400; depth++) value = [value];
  return value;
};

describe('a value that an embedded engine cannot read', () => {
  const open = () => own.pool('mem://', { maxConnections: 2, circuitBreaker: { failureThreshold: 1 } });

  test.each([
    ['nested too deeply', nested],
    ['a record id that is none', () => new StringRecordId('no record id')],
  ])('%s, is refused with what to look for', async (_, value) => {
    const pool = await open();
    const failure = await pool.query('RETURN $value', { value: value() }).then(
      () => expect.unreachable(),
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(UsageError);
    expect(failure).toMatchObject({ outcome: 'not-sent', message: expect.stringMatching(/cannot read its message/) });
  });

  test('is of the caller who gives it as a variable, and opens no circuit for the others', async () => {
    const pool = await open();
    for (const value of [nested(), new StringRecordId('no record id'), nested()]) {
      const scope = pool.scope({ variables: { value }, timeout: '10s' });
      await expect(scope.query('RETURN 1')).rejects.toMatchObject({ code: 'ERR_POOL_ACQUIRE_FAILED' });
      expect(await pool.query('RETURN 1')).toEqual([1]);
      expect(await pool.scope({ variables: { value: 2 } }).query('RETURN $value')).toEqual([2]);
    }
    expect(pool.healthStatus().healthy).toBe(true);
  });
});

describe('the variables of a scope', () => {
  test('are what was given: a mark at the beginning of a text, a key of any name, what a class computes', async () => {
    const pool = await own.pool('mem://');
    const odd = JSON.parse('{"__proto__": {"a": 1}, "constructor": 2}') as object;
    const given = { text: '\uFEFFa', odd, id: new RecordId('a', '\uFEFF'), table: new Table('a') };
    const [answer] = await pool.scope({ variables: given }).query('RETURN [$text, $odd, $id, $table]');
    expect(answer).toEqual(Object.values(given));
    class Variables {
      get tenant(): string {
        return 'acme';
      }
    }
    expect(await pool.scope({ variables: { ...new Variables(), other: 1 } }).query('RETURN $other')).toEqual([1]);
    const computed = Object.assign(new Variables(), { other: 1 }) as unknown as Record<string, unknown>;
    expect(await pool.scope({ variables: computed }).query('RETURN [$tenant, $other]')).toEqual([['acme', 1]]);
  });

  test('have no dollar in their names, as the parameters of a query have none', async () => {
    const pool = await own.pool('mem://');
    expect(() => pool.scope({ variables: { $tenant: 'acme' } })).toThrow(/variables: given the name "\$tenant"/);
  });
});

test('the parameters of a query are refused that a class computes, which would not be sent', async () => {
  const pool = await own.pool('mem://');
  class Parameters {
    [name: string]: unknown;
    get tenant(): string {
      return 'acme';
    }
  }
  expect(() => pool.query('RETURN $tenant', new Parameters())).toThrow(/"tenant" is one of their class/);
  expect(() => pool.query('RETURN $tenant', Object.create({ tenant: 'acme' }))).toThrow(UsageError);
});
