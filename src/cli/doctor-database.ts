import { isServer } from '../config/address.js';
import type { ResolvedConfig } from '../config/options.js';
import type { ConnectionManager } from '../manager.js';
import { Histogram } from '../pool/histogram.js';
import type { PooledConnection } from '../pooled-connection.js';
import { whoOf } from './check-config.js';
import { type Diagnosis, failure, ok, reasonOf, warning } from './diagnosis.js';
import { formatCount, formatDuration, formatNumber } from './formats.js';

const pings = 50;
/** A longer round trip, in milliseconds, slows every request that makes a few calls. */
const longWay = 20;
/** The server may refuse tokens when clocks differ by more than this, in milliseconds. */
const clockTolerance = 5_000;
/** How long all connections are used, in milliseconds. */
const useTime = 1_000;

/** Checks the user, and the database. */
export async function diagnoseSession(connection: PooledConnection, config: ResolvedConfig): Promise<Diagnosis> {
  const subject = 'session';
  const text = `signed in as ${whoOf(config.credentials)}, in ${config.namespace}/${config.database}`;
  const who = config.credentials === null ? whoOf(null) : text.slice('signed in as '.length);
  try {
    const [info] = await connection.query<[{ tables?: object }]>('INFO FOR DB');
    const tables = Object.keys(info?.tables ?? {}).length;
    if (config.credentials === null) {
      return isServer(config.mode)
        ? warning(
            subject,
            who,
            'the server accepts clients without a user: start it with --user and --pass, and name a user here',
          )
        : ok(subject, `${who}, in ${config.namespace}/${config.database} with ${formatNumber(tables, 'table')}`);
    }
    if (tables > 0) return ok(subject, `${text} with ${formatNumber(tables, 'table')}`);
    return warning(subject, `${text}, which has no table`, 'look whether namespace and database are spelled right');
  } catch (error) {
    if (config.credentials === null) {
      return failure(subject, `${who}: ${reasonOf(error)}`, 'name a user: --username and SURREAL_POOL_PASSWORD');
    }
    return warning(
      subject,
      `${text}; it may not see the schema: ${reasonOf(error)}`,
      'right for record users; else look at its roles',
    );
  }
}

/** Checks the version of the server. */
export async function diagnoseServer(connection: PooledConnection): Promise<Diagnosis> {
  const subject = 'server';
  const { version } = await connection.version();
  const text = `SurrealDB ${version.replace(/^surrealdb-/, '')}`;
  if (/^(surrealdb-)?3\./.test(version)) return ok(subject, text);
  return warning(subject, text, 'this package is tested with SurrealDB 3: see docs/compatibility.md');
}

/** Measures the round trip to the server without other load, and compares both clocks. */
export async function diagnoseWay(connection: PooledConnection): Promise<Diagnosis[]> {
  const times = new Histogram();
  for (let ping = 0; ping < pings; ping++) {
    const began = performance.now();
    await connection.query('RETURN 1');
    times.record(performance.now() - began);
  }
  const [p50, p99] = [times.quantile(0.5), times.quantile(0.99)];
  const text = `${pings} calls, one after another: ${formatDuration(p50)} at p50, ${formatDuration(p99)} at p99`;
  const asked = Date.now();
  const [there] = await connection.query<[number]>(
    'RETURN time::unix(time::now()) * 1000 + time::millis(time::now()) % 1000',
  );
  const off = Number(there) - (asked + Date.now()) / 2;
  const clock = `${formatDuration(Math.abs(off))} apart`;
  return [
    p50 <= longWay
      ? ok('latency', text)
      : warning('latency', text, 'run program and database in the same region; each call takes that long at least'),
    Math.abs(off) <= clockTolerance
      ? ok('clocks', clock)
      : warning('clocks', clock, 'set both by NTP: tokens are valid by the clock of the server'),
  ];
}

/** Opens as many connections as the pool may have, and uses them all for a second. */
export async function diagnoseSize(pool: ConnectionManager, { pool: settings }: ResolvedConfig): Promise<Diagnosis> {
  const subject = 'size';
  const { maxConnections } = settings;
  const began = performance.now();
  const asked = await Promise.allSettled(Array.from({ length: maxConnections }, () => pool.acquire()));
  const took = formatDuration(performance.now() - began);
  const lent = asked.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
  const [refused] = asked.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
  try {
    if (refused !== undefined) {
      return failure(
        subject,
        `only ${lent.length} of ${formatNumber(maxConnections, 'connection')} could be had: ${reasonOf(refused)}`,
        'lower maxConnections, or raise what the server and the ways to it allow',
      );
    }
    const times = new Histogram();
    const start = performance.now();
    const use = async (connection: PooledConnection): Promise<void> => {
      for (let now = start; now - start < useTime; ) {
        const asked = now;
        await connection.query('RETURN 1');
        now = performance.now();
        times.record(now - asked);
      }
    };
    await Promise.all(lent.map(use));
    const rate = (1_000 * times.count) / (performance.now() - start);
    const p99 = formatDuration(times.quantile(0.99));
    return ok(
      subject,
      `${formatNumber(maxConnections, 'connection')} open in ${took}; all at once they make ${formatCount(rate)} empty calls per second, ${p99} at p99`,
    );
  } catch (error) {
    return failure(
      subject,
      `with ${formatNumber(maxConnections, 'connection')} in use calls fail: ${reasonOf(error)}`,
      'look at the log of the server',
    );
  } finally {
    for (const connection of lent) connection.release();
  }
}
