import { AsyncResource } from 'node:async_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ConnectionManager, PoolScope, ScopeOptions } from '../../src/index.js';
import { place, surroundings } from '../support/surroundings.js';

const own = surroundings();
const seed = Number(process.env.SCOPE_SEED ?? Math.trunc(Math.random() * 2 ** 31));

/** What a call is made as, as far as a program says. */
interface As {
  readonly database?: string;
  readonly who?: string;
  readonly extra?: number;
  readonly ada?: boolean;
}

/** One step of a request. */
type Step =
  | { readonly kind: 'call'; readonly via: Via; readonly as: As }
  | { readonly kind: 'pause'; readonly by: 'timer' | 'immediate' | 'resource' }
  | { readonly kind: 'scope'; readonly how: 'run' | 'object'; readonly as: As; readonly steps: readonly Step[] }
  | { readonly kind: 'parallel'; readonly branches: readonly (readonly Step[])[] };

const ways = ['query', 'later', 'withConnection', 'withTransaction', 'executeWithRetry', 'acquire'] as const;
type Via = (typeof ways)[number];

const as: fc.Arbitrary<As> = fc.record(
  {
    database: fc.constantFrom('one', 'two'),
    who: fc.constantFrom('a', 'b', 'c'),
    extra: fc.integer({ min: 1, max: 3 }),
    ada: fc.boolean(),
  },
  { requiredKeys: [] },
);

const { steps } = fc.letrec<{ step: Step; steps: readonly Step[] }>((tie) => ({
  step: fc.oneof(
    { maxDepth: 3 },
    fc.record({ kind: fc.constant('call' as const), via: fc.constantFrom(...ways), as }),
    fc.record({ kind: fc.constant('pause' as const), by: fc.constantFrom('timer', 'immediate', 'resource') }),
    fc.record({
      kind: fc.constant('scope' as const),
      how: fc.constantFrom('run', 'object'),
      as,
      steps: tie('steps'),
    }),
    fc.record({
      kind: fc.constant('parallel' as const),
      branches: fc.array(tie('steps'), { minLength: 2, maxLength: 3 }),
    }),
  ) as fc.Arbitrary<Step>,
  // Whatever a program does, it ends with a call that says nothing of its own.
  steps: fc
    .tuple(fc.array(tie('step'), { maxLength: 4 }), fc.constantFrom(...ways))
    .map(([before, via]) => [...before, { kind: 'call' as const, via, as: {} }]),
}));

const ada = { username: 'ada', password: 'secret' };

function optionsOf({ database, who, extra, ada: isAda }: As): ScopeOptions {
  const variables = { ...(who && { who }), ...(extra && { extra }) };
  return {
    ...(database && { namespace: place.namespace, database }),
    ...(Object.keys(variables).length > 0 && { variables }),
    ...(isAda !== undefined && { credentials: isAda ? ada : null }),
  };
}

const question = 'RETURN [session::db(), $who, $extra, $token.ID, $session.db]';

function answerFor({ database = place.database, who, extra, ada: isAda }: As): unknown[] {
  return [database, who, extra, isAda ? 'ada' : undefined, database];
}

async function ask(scope: PoolScope, via: Via, options: ScopeOptions): Promise<unknown[]> {
  const given = Object.keys(options).length > 0;
  switch (via) {
    case 'query':
      return (await (given ? scope.scope(options) : scope).query<[unknown[]]>(question))[0];
    case 'later': {
      const query = (given ? scope.scope(options) : scope).query<[unknown[]]>(question);
      await wait(1);
      return (await AsyncResource.bind(() => query.collect())())[0];
    }
    case 'acquire': {
      await using connection = given ? await scope.acquire(options) : await scope.acquire();
      return (await connection.query<[unknown[]]>(question))[0];
    }
    default:
      return await scope[via](
        async (held: Pick<PoolScope, 'query'>) => (await held.query<[unknown[]]>(question))[0],
        options,
      );
  }
}

/** @param scope what the calls are made on: the pool, or a scope object */
async function play(pool: ConnectionManager, scope: PoolScope, within: As, program: readonly Step[]): Promise<void> {
  for (const step of program) {
    if (step.kind === 'call') {
      const expected = answerFor({ ...within, ...step.as });
      const answer = await ask(scope, step.via, optionsOf(step.as));
      // SurrealDB 3.0 shows a transaction no user: see test/hazards/09-transaction-without-user.test.ts.
      if (step.via === 'withTransaction') answer[3] ??= expected[3];
      expect(answer).toEqual(expected);
    } else if (step.kind === 'pause') {
      if (step.by === 'timer') await wait(1);
      else if (step.by === 'immediate') await new Promise((resolve) => setImmediate(resolve));
      else await new AsyncResource('test').runInAsyncScope(() => wait(0));
    } else if (step.kind === 'parallel') {
      await Promise.all(step.branches.map((branch) => play(pool, scope, within, branch)));
    } else if (step.how === 'object') {
      await play(pool, scope.scope(optionsOf(step.as)), { ...within, ...step.as }, step.steps);
    } else {
      await scope.runInScope(optionsOf(step.as), () => play(pool, pool, { ...within, ...step.as }, step.steps));
    }
  }
}

test(`each call is made in its own scope, however requests nest and run beside each other (SCOPE_SEED=${seed})`, async () => {
  const pool = await own.pool('mem://', { maxConnections: 4, connectionTimeout: '60s' });
  await pool.query('DEFINE USER ada ON ROOT PASSWORD "secret" ROLES OWNER');
  const requests = fc.array(fc.tuple(as, steps), { minLength: 2, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(requests, async (all) => {
      await Promise.all(
        all.map(([identity, program]) =>
          pool.runInScope(optionsOf(identity), () => play(pool, pool, identity, program)),
        ),
      );
      expect(await pool.query(question), 'nothing is left of them').toEqual([answerFor({})]);
    }),
    { seed, numRuns: 60 },
  );
  expect(pool.poolStats()).toMatchObject({ leased: 0, waiting: 0 });
});
