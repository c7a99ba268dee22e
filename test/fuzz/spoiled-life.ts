import fc from 'fast-check';
import { LiveSubscriptionError, RecordId, ServerError, Table } from 'surrealdb';
import { expect, vi } from 'vitest';
import { type ConnectionManager, outcomeOf, PoolError } from '../../src/index.js';
import type { Front } from '../support/front.js';
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

/** A server whose answers are spoiled as long as `spoil` says so. */
function spoiling(front: Front, life: SpoiledLife): { end(): Promise<void> } {
  let spoils = true;
  let next = 0;
  let underWay = 0;
  const keptBack = new Map<number, KeptBack>();
  front.onRequest = (call, connection) => {
    if (!spoils || (life.method !== undefined && life.method !== call.method)) return 'pass';
    const mischief = life.replies[next++ % life.replies.length];
    const late = keptBack.get(connection.number) ?? [];
    keptBack.set(connection.number, late);
    underWay++;
    return {
      instead: (reply) => {
        underWay--;
        const before = late.splice(0);
        const frames = mischief === undefined ? [reply] : framesOf(mischief, call, reply, late);
        return [...frames, ...before];
      },
    };
  };
  return {
    async end() {
      spoils = false;
      await vi.waitFor(() => expect(underWay).toBeLessThanOrEqual(0));
    },
  };
}

/** Lives one life; at its end everybody has an answer, all errors are typed, and the pool serves as if nothing had been. */
export async function liveSpoiled(own: Surroundings, life: SpoiledLife): Promise<void> {
  const front = await own.listen({ auth: life.signsIn });
  const pool = await own.connect(front, {
    ...(life.signsIn ? { credentials: { username: 'root', password: 'secret' } } : {}),
    maxConnections: 3,
    sessionsPerTransport: life.sessionsPerTransport,
    failFast: false,
    connectionTimeout: 500,
    openTimeout: 200,
    queryTimeout: 200,
    probeTimeout: 200,
    resetTimeout: 200,
    closeTimeout: 200,
    validationInterval: 0,
    retryPolicy: { initialBackoff: 1, maxBackoff: 1 },
    circuitBreaker: { failureThreshold: null },
  });
  const mischief = spoiling(front, life);
  const ends = await Promise.allSettled(calls(pool));
  for (const end of ends) if (end.status === 'rejected') expectTyped(end.reason);

  await mischief.end();
  const answers = await Promise.all(
    Array.from({ length: 6 }, (_, index) => pool.query('RETURN [$index, session::db()]', { index }).collect()),
  );
  expect(answers).toEqual(Array.from({ length: 6 }, (_, index) => [[index, 'test']]));
  await vi.waitFor(() => expect(pool.poolStats()).toMatchObject({ leased: 0, waiting: 0, resetting: 0, closing: 0 }));
  await pool.shutdown({ gracePeriod: 0 });
  await vi.waitFor(() => expect(front.connections).toBe(0));
  await front.close();
}
