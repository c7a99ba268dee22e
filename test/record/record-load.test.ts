import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RecordId } from 'surrealdb';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readRecording } from '../../src/cli/replay/recording.js';
import { ConfigurationError } from '../../src/errors/configuration.js';
import { type ConnectionManager, createPool } from '../../src/manager.js';
import { type LoadRecording, type RecordLoadOptions, recordLoad } from '../../src/record/index.js';
import type { UnitLine } from '../../src/record/recording-format.js';
import { acquireChannel, queryChannel, releaseChannel, transactionChannel } from '../../src/telemetry/channels.js';
import { between, type Random, seededRandom } from '../support/seeded-random.js';
import { temporaryFolder } from '../support/temporary.js';

async function pooled(options: object = {}): Promise<ConnectionManager> {
  const pool = await createPool('mem://', { namespace: 'ns', database: 'db', ...options });
  onTestFinished(async () => void (await pool.shutdown({ gracePeriod: 0 })));
  return pool;
}

/** A recording that ends with its test. */
function recordingTo(path: string, options: RecordLoadOptions = {}): LoadRecording {
  const recording = recordLoad(path, options);
  onTestFinished(async () => void (await recording.stop()));
  return recording;
}

const newFile = (): string => join(temporaryFolder(), 'load.ndjson');

/** What the load did, by the program that made it. */
interface Done {
  kind: UnitLine['kind'];
  calls: number;
  failed: number;
}

/** One unit of work of a random kind; says what it did. */
async function randomUnit(pool: ConnectionManager, random: Random): Promise<Done> {
  switch (between(random, 0, 3)) {
    case 0: {
      await pool.query('RETURN $age', { age: 7 });
      return { kind: 'call', calls: 1, failed: 0 };
    }
    case 1: {
      await pool.query('THROW "no"').catch(() => {});
      return { kind: 'call', calls: 1, failed: 1 };
    }
    case 2: {
      const calls = between(random, 0, 3);
      await pool.withConnection(async (connection) => {
        for (let call = 0; call < calls; call++) {
          await connection.query(`RETURN ${call}`);
          if (random() < 0.3) await sleep(1);
        }
      });
      return { kind: 'lease', calls, failed: 0 };
    }
    default: {
      await pool.withTransaction(
        async (transaction) => {
          await transaction.query('RETURN 1');
        },
        { savepoints: false },
      );
      // With its beginning and its commit.
      return { kind: 'transaction', calls: 3, failed: 0 };
    }
  }
}

const shown = (units: readonly Done[]): string[] =>
  units.map(({ kind, calls, failed }) => `${kind} ${calls} ${failed}`);

function doneOf({ kind, calls = [] }: UnitLine): Done {
  return { kind, calls: calls.length, failed: calls.filter(([, , , error]) => error !== undefined).length };
}

describe('a recording', () => {
  test('holds each unit of a random load, in the order of the arrivals, with its calls', async () => {
    const seed = Math.floor(Math.random() * 1_000_000);
    console.log(`seed of the load: ${seed}`);
    const random = seededRandom(seed);
    const pool = await pooled({ maxConnections: 3 });
    const path = newFile();
    const recording = recordingTo(path);
    const done: Promise<Done>[] = [];
    for (let unit = 0; unit < 60; unit++) {
      done.push(randomUnit(pool, random));
      // Each asks for its connection before the next begins.
      await sleep(random() < 0.5 ? 0 : between(random, 1, 4));
    }
    const expected = await Promise.all(done);
    const summary = await recording.stop();
    const { units, end, isTorn, pools } = await readRecording(path);

    expect(shown(units.map(doneOf))).toEqual(shown(expected));
    expect(summary).toMatchObject({
      end: 'stopped',
      units: 60,
      calls: expected.reduce((sum, { calls }) => sum + calls, 0),
      lost: 0,
    });
    expect(summary.bytes).toBe(readFileSync(path).byteLength);
    expect(end).toMatchObject({ end: 'stopped', units: summary.units, calls: summary.calls, lost: 0 });
    expect({ isTorn, pools: [...pools] }).toEqual({ isTorn: false, pools: [[1, 3]] });
    for (const { waited, held = 0, busy = 0, calls = [] } of units) {
      expect(waited).toBeGreaterThanOrEqual(0);
      expect(busy).toBeLessThanOrEqual(held + 0.01);
      for (const [at, took] of calls) expect(at + took).toBeLessThanOrEqual(held + 1);
    }
  });

  test('numbers identities and agents, and shows calls that shared a connection as parts of its time', async () => {
    const pool = await pooled({ maxConnections: 1, minConnections: 1 });
    await pool.query('RETURN 1');
    const path = newFile();
    const recording = recordingTo(path);
    const one = pool.createSession({ agentId: 'alice' });
    const other = pool.createSession({ agentId: 'bob' });
    await one.query('RETURN 1');
    await other.query('RETURN 2');
    await one.query('RETURN 3');
    await (await pool.acquire({ namespace: 'ns', database: 'other' })).release();
    await Promise.all(Array.from({ length: 6 }, () => pool.query('RETURN 1')));
    await recording.stop();
    const { units } = await readRecording(path);

    expect(units.slice(0, 4).map(({ agent, identity, kind }) => [kind, identity, agent])).toEqual([
      ['call', 1, 1],
      ['call', 1, 2],
      ['call', 1, 1],
      ['lease', 2, undefined],
    ]);
    const sharing = units.slice(4);
    expect(sharing).toHaveLength(6);
    const from = Math.min(...sharing.map(({ at, waited }) => at + waited));
    const to = Math.max(...sharing.map(({ at, waited, held = 0 }) => at + waited + held));
    const busy = sharing.reduce((sum, unit) => sum + (unit.busy ?? unit.held ?? 0), 0);
    // However many share it, a connection has no more time than passes.
    expect(busy).toBeLessThanOrEqual(to - from + 0.1);
    expect(sharing.some((unit) => unit.busy !== undefined)).toBe(true);
  });

  test('tells acquires that got nothing, and leases that are still held', async () => {
    const pool = await pooled({ maxConnections: 1, minConnections: 1 });
    const path = newFile();
    const recording = recordingTo(path);
    const lease = await pool.acquire();
    await expect(pool.acquire({ timeout: 5 })).rejects.toThrow();
    await recording.stop();
    lease.release();
    const { units } = await readRecording(path);

    expect(units).toMatchObject([{ kind: 'lease', open: true }, { error: 'ERR_POOL_ACQUIRE_TIMEOUT' }]);
    expect(units[1]?.held).toBeUndefined();
    expect(units[1]?.waited).toBeGreaterThan(3);
  });

  test('holds no value, no name of a user, agent or database, and no message', async () => {
    const canary = 'c4n4ry';
    const pool = await createPool('mem://', {
      namespace: `ns_${canary}`,
      database: `db_${canary}`,
      name: `pool ${canary}`,
    });
    onTestFinished(async () => void (await pool.shutdown({ gracePeriod: 0 })));
    const path = newFile();
    const recording = recordingTo(path);
    await pool.query(`CREATE person:${canary} SET name = '${canary}', age = $age`, { age: canary });
    await pool.query(`SELECT * FROM person:${canary} WHERE name = "${canary}" OR x = ['${canary}']`);
    await pool.create(new RecordId('person', `${canary}2`)).content({ name: canary });
    await pool.query(`DEFINE USER ${canary} ON DATABASE PASSWORD '${canary}'`);
    await pool.query(`DEFINE DATABASE ${canary}`);
    await pool.query(`IF true { REMOVE USER ${canary} ON DATABASE }`);
    await pool.query(`DEFINE ACCESS ${canary} ON DATABASE TYPE RECORD`);
    await pool.query(`INFO FOR USER ${canary} ON DATABASE`).catch(() => {});
    await pool.query(`THROW '${canary}'`).catch(() => {});
    await pool.createSession({ agentId: canary }).query('RETURN 1');
    await pool.withConnection((connection) => connection.query(`USE DB ${canary}`)).catch(() => {});
    await pool
      .withConnection(async (connection) => {
        const error = new Error(canary);
        error.name = canary;
        await connection.query(`RETURN '${canary}'`);
        throw error;
      })
      .catch(() => {});
    await expect(pool.acquire({ credentials: { username: canary, password: canary } })).rejects.toThrow();
    const { units } = await recording.stop();

    expect(units).toBeGreaterThanOrEqual(11);
    expect(readFileSync(path, 'utf8')).toMatch(/"text":"SELECT \* FROM person:\? WHERE/);
    expect(readFileSync(path, 'utf8')).not.toContain(canary);
  });

  test('listens to nothing before it begins and after it has ended', async () => {
    const listens = (): boolean[] =>
      [acquireChannel, queryChannel, transactionChannel, releaseChannel].map(({ hasSubscribers }) => hasSubscribers);
    const exits = process.listenerCount('exit');
    expect(listens()).toEqual([false, false, false, false]);
    const recording = recordingTo(newFile());
    expect(listens()).toEqual([true, true, true, true]);
    await recording.stop();
    expect(listens()).toEqual([false, false, false, false]);
    expect(process.listenerCount('exit')).toBe(exits);
  });

  test('ends by itself at its longest duration and at its largest size, and says so', async () => {
    const pool = await pooled();
    const [timed, sized] = [newFile(), newFile()];
    const short = recordingTo(timed, { maxDuration: '20ms' });
    const small = recordingTo(sized, { maxBytes: 4096 });
    for (let call = 0; call < 200; call++) await pool.query('RETURN 1');
    await sleep(30);
    // What happens afterwards is not in it.
    const lease = await pool.acquire();
    lease.release();

    expect(await short.stop()).toMatchObject({ end: 'maxDuration' });
    const summary = await small.stop();
    expect(summary).toMatchObject({ end: 'maxBytes' });
    expect(readFileSync(sized).byteLength).toBeLessThanOrEqual(4096);
    expect((await readRecording(timed)).end?.end).toBe('maxDuration');
    const { end, units } = await readRecording(sized);
    expect(end).toMatchObject({ end: 'maxBytes', units: units.length });
    expect(acquireChannel.hasSubscribers).toBe(false);
  });

  test('ends at its largest size also while many units are under way', async () => {
    const pool = await pooled({ maxConnections: 50 });
    const path = newFile();
    const recording = recordingTo(path, { maxBytes: 4096 });
    const leases = await Promise.all(Array.from({ length: 50 }, () => pool.acquire()));
    for (let call = 0; call < 100; call++) await leases[0]?.query(`RETURN $a${call}`);
    leases[0]?.release();
    const { end, units, lost } = await recording.stop();
    for (const lease of leases) lease.release();

    expect(end).toBe('maxBytes');
    expect(units + lost).toBe(50);
    expect(readFileSync(path).byteLength).toBeLessThanOrEqual(4096 + 512);
  });

  test('is refused where a file is, where none can be made, and with options that do not exist', () => {
    const path = newFile();
    writeFileSync(path, 'precious');
    expect(() => recordLoad(path)).toThrow(/"[^"]*….*is there already|which is there already/);
    expect(() => recordLoad(path)).toThrow(ConfigurationError);
    expect(readFileSync(path, 'utf8')).toBe('precious');
    expect(() => recordLoad(join(path, 'below'))).toThrow(/ENOTDIR/);
    expect(() => recordLoad('')).toThrow(/path: given an empty text/);
    expect(() => recordLoad(newFile(), { maxbytes: 1 } as object)).toThrow(/maxBytes \(did you mean that\?\)/);
    expect(() => recordLoad(newFile(), { maxBytes: 10 })).toThrow(/at least 4096/);
    expect(() => recordLoad(newFile(), { maxDuration: 'soon' })).toThrow(/maxDuration: given "soon"/);
    expect(acquireChannel.hasSubscribers).toBe(false);
  });
});
