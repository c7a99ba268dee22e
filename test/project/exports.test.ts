import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { page, pages, projectFolder } from '../support/documentation.js';
import { surroundings } from '../support/surroundings.js';
import { thing } from '../support/things.js';

const own = surroundings();
const index = page('src/index.ts').text;

/** The names in the lists of a module that does nothing but export. */
function exportedBy(text: string): string[] {
  return [...text.matchAll(/export (?:type )?\{([^}]*)\}/g)].flatMap(([, list = '']) =>
    list
      .split(',')
      .map((entry) => entry.replace(/^\s*type |^[\s\S]* as /, '').trim())
      .filter((name) => name !== ''),
  );
}

/** The members of the public types that are deprecated from birth, as the sources have them. */
const deprecated = readdirSync(`${projectFolder}src`, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .flatMap((file) => [
    ...page(`src/${file}`).text.matchAll(/\/\*\* @deprecated (.*) \*\/\n +(?:async |readonly |get )*(\w+)/g),
  ])
  .map(([, reason = '', name = '']) => ({ name, reason }));

describe('the exported names', () => {
  test('are written one by one', () => {
    expect(index).not.toMatch(/export (?:type )?\*/);
    expect(exportedBy(index).length).toBeGreaterThan(80);
  });

  test('are not those of the SDK, but for two', () => {
    const sdk = readFileSync(`${projectFolder}node_modules/surrealdb/dist/surrealdb.d.ts`, 'utf8');
    const declared = sdk.matchAll(/^export (?:declare )?(?:abstract )?(?:class|interface|type|const|function) (\w+)/gm);
    const taken = new Set([...exportedBy(sdk), ...[...declared].map(([, name]) => name ?? '')]);
    expect(taken).toContain('RetryOptions');
    expect(exportedBy(index).filter((name) => taken.has(name))).toEqual(['Duration', 'ConfigurationError']);
  });
});

describe('the names of the pool in Rust', () => {
  test('are in docs/migration.md, with the name to use, and are used by no other page and no example', () => {
    expect(deprecated.length).toBeGreaterThan(10);
    const migration = page('docs/migration.md').text.split('## From the pool in Rust')[1] ?? '';
    const examples = readdirSync(`${projectFolder}examples`).map((name) => page(`examples/${name}`));
    const others = [...pages(), ...examples].filter(({ path }) => !/migration|api|CHANGELOG/.test(path));
    for (const { name, reason } of deprecated) {
      expect(reason).toMatch(/^a name of the pool in Rust: /);
      expect(migration, name).toMatch(new RegExp(`\\b${name}[(\`]`));
      // There is also a Transaction.savepoint(), which is not.
      if (name === 'savepoint') continue;
      // An agent session has a commitTransaction() of its log, which is not deprecated.
      const use = /onnections/.test(name) ? new RegExp(`\\b${name}\\b`) : new RegExp(`(?<!\\bsession)[.\`]${name}\\(`);
      for (const { path, text } of others) expect(text, `${name} in ${path}`).not.toMatch(use);
    }
  });

  test('tell what the others tell', async () => {
    const pool = await own.pool('mem://');
    const connection = await pool.acquire();
    expect(connection.connection()).toBe(connection);
    expect([connection.uses(), connection.isMarkedForRecycling()]).toEqual([connection.useCount, false]);
    connection.markForRecycling();
    expect([connection.markedForRecycling, connection.isMarkedForRecycling()]).toEqual([true, true]);

    const transaction = await connection.beginTransaction();
    expect(transaction.connection()).toBe(transaction);
    await connection.savepoint('empty');
    await transaction.create(thing);
    await connection.savepoint('full');
    await connection.rollbackToSavepoint('full');
    expect(await transaction.select(thing)).toHaveLength(1);
    await transaction.rollbackToSavepoint('empty');
    await expect(connection.rollbackToSavepoint('full')).rejects.toMatchObject({
      code: 'ERR_POOL_SAVEPOINT_NOT_FOUND',
    });
    await connection.rollbackTransaction();
    expect(transaction.state).toBe('rolledBack');
    const next = await connection.beginTransaction();
    await connection.commitTransaction();
    expect(next.state).toBe('committed');
    connection.release();

    expect([pool.state, pool.isShuttingDown()]).toEqual(['running', false]);
    const ended = pool.shutdown();
    expect([pool.state, pool.isShuttingDown()]).toEqual(['draining', true]);
    await ended;
    expect([pool.state, pool.isShuttingDown()]).toEqual(['closed', true]);
  });

  test('are readable in the statistics, where each number is shown once', async () => {
    const pool = await own.pool('mem://', { minConnections: 2 });
    await using _ = await pool.acquire();
    const stats = pool.poolStats();
    const { total, idle, leased, opened, reused, closed } = stats;
    expect(stats).toMatchObject({
      ...{ totalConnections: total, availableConnections: idle, inUseConnections: leased },
      ...{ connectionsCreated: opened, connectionsReused: reused, connectionsClosed: closed },
    });
    expect(leased).toBe(1);
    expect(JSON.stringify(pool.metrics())).not.toMatch(/totalConnections|connectionsClosed/);
  });
});
