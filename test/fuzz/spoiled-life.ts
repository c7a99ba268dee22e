import fc from 'fast-check';
import { LiveSubscriptionError, RecordId, ServerError, Table } from 'surrealdb';
import { expect, vi } from 'vitest';
import { type ConnectionManager, outcomeOf, PoolError } from '../../src/index.js';
import type { Front, FrontConnection } from '../support/front.js';
import type { Surroundings } from '../support/surroundings.js';
import { framesOf, type KeptBack, type Mischief, mischiefs } from './mischief.js';

/** One life of a pool at a server that answers some calls wrongly. */
export interface SpoiledLife {
  /** Which replies are spoiled: those to one method, or to any. */
  readonly method: string | undefined;
  /** Of the replies concerned, one after the other and over again: how it is spoiled, or not at all. */
  readonly replies: readonly (Mischief | undefined)[];
  readonly signsIn: boolean;
  readonly sessionsPerTransport: number;
}

const methods = ['query', 'attach', 'use', 'signin', 'authenticate', 'version', 'let', 'unset', 'detach', 'begin'];

export const spoiledLives: fc.Arbitrary<SpoiledLife> = fc.record({
  method: fc.oneof(
    { weight: 1, arbitrary: fc.constant(undefined) },
    { weight: 2, arbitrary: fc.constant('query') },
    { weight: 3, arbitrary: fc.constantFrom(...methods) },
  ),
  replies: fc.array(fc.option(mischiefs, { nil: undefined, freq: 2 }), { minLength: 1, maxLength: 8 }),
  signsIn: fc.boolean(),
  sessionsPerTransport: fc.constantFrom(1, 1, 2),
});

/** Everything callers do, each of it at once. */
function calls(pool: ConnectionManager): Promise<unknown>[] {
  const thing = new Table('thing');
  return [
    pool.query('RETURN 1').collect(),
    pool.query('RETURN 1; THROW "no"').responses(),
    pool.select(thing).then(),
    pool.create(new RecordId('thing', 1)).content({ name: 'one' }).then(),
    pool.update(new RecordId('thing', 1)).merge({ name: 'two' }).then(),
    pool.withConnection(async (connection) => {
      await connection.set('mine', 1);
      await connection.use({ namespace: 'test', database: 'other' });
      await connection.unset('mine');
      return await connection.query('RETURN $mine').collect();
    }),
    pool.withConnection(async (connection) => {
      const live = await connection.live(thing);
      const messages = live[Symbol.asyncIterator]();
      await connection.create(thing).content({});
      await messages.return?.();
      await live.kill();
    }),
    pool.withConnection((connection) => connection.authenticate('no.token.atAll')),
    pool.withConnection(async (connection) => {
      await connection.signin({ username: 'root', password: 'secret' });
      return await connection.query('RETURN 1').collect();
    }),
    pool.withConnection((connection) => connection.checkHealth()),
  ];
}

/**
 * What a call may end with: an error of ours, or what the SDK makes of a server's refusal. Its live builder puts either
 * into an error of its own.
 */
function expectTyped(error: unknown): void {
  const told = error instanceof LiveSubscriptionError ? error.cause : error;
  if (!(told instanceof PoolError || told instanceof ServerError)) throw error;
  expect(['not-sent', 'unknown', 'refused']).toContain(outcomeOf(told));
  expect(String(told)).toContain(told.message);
}

/** A server whose answers are spoiled until the returned function is called; it waits for those that were begun. */
function spoiling(front: Front, life: SpoiledLife): () => Promise<void> {
  let spoils = true;
  let next = 0;
  const sockets = new Map<FrontConnection, { underWay: number; readonly keptBack: KeptBack }>();
  front.onRequest = (call, connection) => {
    if (!spoils || (life.method !== undefined && life.method !== call.method)) return 'pass';
    const mischief = life.replies[next++ % life.replies.length];
    const socket = sockets.get(connection) ?? { underWay: 0, keptBack: [] };
    sockets.set(connection, socket);
    socket.underWay++;
    return {
      instead: (reply) => {
        socket.underWay--;
        const before = socket.keptBack.splice(0);
        const frames = mischief === undefined ? [reply] : framesOf(mischief, call, reply, socket.keptBack);
        return [...frames, ...before];
      },
    };
  };
  return async () => {
    spoils = false;
    // What is under way on a socket that is gone reaches nobody.
    await vi.waitFor(() => {
      for (const socket of front.sockets) expect(sockets.get(socket)?.underWay ?? 0).toBe(0);
    }, 10_000);
  };
}

/**
 * Lives one life; at its end everybody has an answer, all errors are typed, nothing was thrown that nobody caught, and
 * the pool serves as if nothing had been.
 */
export async function liveSpoiled(own: Surroundings, life: SpoiledLife): Promise<void> {
  const stray: unknown[] = [];
  const note = (error: unknown): void => void stray.push(error);
  process.on('unhandledRejection', note);
  process.on('uncaughtException', note);
  try {
    await live(own, life);
    expect(stray).toEqual([]);
  } finally {
    process.off('unhandledRejection', note);
    process.off('uncaughtException', note);
  }
}

async function live(own: Surroundings, life: SpoiledLife): Promise<void> {
  const front = await own.listen({ auth: life.signsIn });
  const pool = await own.connect(front, {
    ...(life.signsIn ? { credentials: { username: 'root', password: 'secret' } } : {}),
    maxConnections: 3,
    sessionsPerTransport: life.sessionsPerTransport,
    failFast: false,
    // What is never answered ends by these: short, but long enough for a password on a machine with much to do.
    connectionTimeout: 1500,
    openTimeout: 1000,
    queryTimeout: 300,
    probeTimeout: 500,
    resetTimeout: 500,
    closeTimeout: 300,
    validationInterval: 0,
    retryPolicy: { initialBackoff: 1, maxBackoff: 1 },
    circuitBreaker: { failureThreshold: null },
  });
  const endMischief = spoiling(front, life);
  const ends = await Promise.allSettled(calls(pool));
  for (const end of ends) if (end.status === 'rejected') expectTyped(end.reason);

  await endMischief();
  // An attempt to connect that was spoiled may still be about to fail for good.
  await vi.waitFor(() => expect(pool.poolStats().opening).toBe(0), { timeout: 10_000 });
  const patient = pool.scope({ timeout: '30s', queryTimeout: '30s' });
  const answers = await Promise.all(
    Array.from({ length: 6 }, (_, index) => patient.query('RETURN [$index, session::db()]', { index }).collect()),
  );
  expect(answers).toEqual(Array.from({ length: 6 }, (_, index) => [[index, 'test']]));
  await vi.waitFor(() => expect(pool.poolStats()).toMatchObject({ leased: 0, waiting: 0, resetting: 0, closing: 0 }), {
    timeout: 10_000,
  });
  await pool.shutdown({ gracePeriod: 0 });
  await vi.waitFor(() => expect(front.connections).toBe(0), { timeout: 10_000 });
  await front.close();
}
