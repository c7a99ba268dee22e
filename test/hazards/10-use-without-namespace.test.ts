import { expect, test } from 'vitest';
import { createPool, UsageError } from '../../src/index.js';
import { runChild } from '../support/child.js';
import { surroundings } from '../support/surroundings.js';

const own = surroundings();
/** What the types forbid, and a program in JavaScript does anyway. */
const databaseOnly = { database: 'alone' } as { namespace: string; database: string };

const script = `
  import { createNodeEngines } from '@surrealdb/node';
  import { Surreal } from 'surrealdb';
  const client = new Surreal({ engines: createNodeEngines() });
  await client.connect('mem://');
  await client.use({ database: 'alone' }).catch(() => {});
  console.log('alive');
  process.exit();
`;

test('use() of the SDK by itself with a database alone aborts the process', async ({ skip }) => {
  const { code, signal, hung, stdout, stderr } = await runChild(script);
  expect(hung).toBe(false);
  skip(stdout === 'alive\n', 'the engine no longer aborts the process');
  expect(stderr).toContain('panicked');
  // As a shell tells it, 134; on a system without signals it is a code.
  expect([code, signal]).toContain(signal === null ? 134 : 'SIGABRT');
});

test('the pool refuses a database without a namespace, in its configuration and on a lease', async () => {
  await expect(createPool('mem://', databaseOnly)).rejects.toMatchObject({ code: 'ERR_POOL_CONFIGURATION' });
  const pool = await own.pool('mem://');
  await using connection = await pool.acquire();
  await expect(connection.use(databaseOnly)).rejects.toThrow(UsageError);
  expect(await connection.query('RETURN [session::ns(), session::db()]')).toEqual([['test', 'test']]);
});
