import { describe, expect, test, vi } from 'vitest';
import { Usage } from '../../src/agents/usage.js';
import * as everything from '../../src/index.js';
import {
  ConnectError,
  createPool,
  IdentityLostError,
  outcomeOf,
  PoolError,
  type PoolOptions,
} from '../../src/index.js';
import { headings, page } from '../support/documentation.js';
import { ownFactory } from '../support/factory.js';
import { Front } from '../support/front.js';
import { SharedEngine } from '../support/shared-engine.js';
import { place, surroundings } from '../support/surroundings.js';
import { VirtualClock } from '../support/virtual-clock.js';

const own = surroundings();
const errors = page('docs/errors.md');

/** The classes an error can be of: all that are exported, but not their common bases. */
const classes = Object.entries(everything)
  .filter(([name, value]) => typeof value === 'function' && 'code' in value && !/^(Pool|Acquire|Call)Error$/.test(name))
  .map(([name, value]) => ({ name, code: (value as unknown as { code: string }).code }));

/** The part of the page under the heading of a class. */
function section(name: string): string {
  return errors.text.split(`\n## ${name}\n`)[1]?.split('\n## ')[0] ?? '';
}

/** The examples of a section: what its blocks without a language show. */
function examples(name: string): string[] {
  return [...section(name).matchAll(/^```\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text);
}

describe('docs/errors.md', () => {
  test.each(classes)('tells what $name means', ({ name, code }) => {
    expect(headings(errors)).toContain(name);
    expect(section(name)).toMatch(new RegExp(`^\n\`${code}\` · retryable: .+ · outcome: .+\n`));
    expect(examples(name)[0]).toMatch(new RegExp(`^${name}: `));
  });

  test('tells of no class that is not there', () => {
    const sections = headings(errors).filter((title) => title.endsWith('Error'));
    expect(sections.sort()).toEqual(classes.map(({ name }) => name).sort());
  });
});

type Provoke = () => Promise<unknown>;

const root = { username: 'root', password: 'secret' };
const busy = (options: Partial<PoolOptions> = {}): Promise<everything.ConnectionManager> =>
  own.pool('mem://', { maxConnections: 1, ...options });

/** How to get each error for real; the second word tells apart the examples of one class. */
const provocations: Readonly<Record<string, Provoke>> = {
  async ConfigurationError() {
    const options = { ...place, maxConnection: 50, idleTimeout: '5 minutes' };
    await createPool('mem://', options as PoolOptions);
  },
  async AcquireTimeoutError() {
    const pool = await busy({ maxConnections: 2 });
    await Promise.all([pool.acquire(), pool.acquire()]);
    await pool.acquire({ timeout: 20 });
  },
  async 'AcquireTimeoutError, down'() {
    const front = await own.listen();
    const pool = await own.connect(front, { circuitBreaker: { failureThreshold: 0 } });
    await front.close();
    await vi.waitFor(() => expect(pool.poolStats().total).toBe(0));
    // Long enough for one attempt to fail, on a busy machine too.
    await pool.acquire({ timeout: 2000 });
  },
  async AcquireAbortedError() {
    const pool = await busy();
    await pool.acquire({ signal: AbortSignal.abort(new Error('the client has gone away')) });
  },
  async QueueFullError() {
    const pool = await busy({ maxWaiters: 1 });
    await pool.acquire();
    pool.acquire().catch(() => {});
    await pool.acquire();
  },
  async ExportError() {
    const pool = await own.pool('mem://');
    await pool.query('DEFINE ACCESS person ON DATABASE TYPE RECORD SIGNIN (SELECT * FROM person); CREATE person:1');
    await pool.scope({ credentials: { access: 'person', variables: {} } }).export();
  },
  async ImportError() {
    const pool = await own.pool('mem://');
    await pool.import('CREATE person:1; CREATE person:1');
  },
  async QueueOverloadError() {
    const pool = await busy({ loadShedding: { target: 5, interval: 2000 } });
    await pool.acquire();
    await pool.acquire();
  },
  async NestedAcquireError() {
    const pool = await busy({ nestedAcquire: 'error' });
    await pool.withConnection(async () => await pool.query('RETURN 1'));
  },
  async CircuitOpenError() {
    const front = await own.listen();
    await front.close();
    const pool = await own.connect(front, {
      ...{ failFast: false, minConnections: 1 },
      circuitBreaker: { failureThreshold: 1 },
    });
    await vi.waitFor(() => expect(pool.healthStatus().circuitBreakerState).toBe('open'));
    await pool.acquire();
  },
  async PoolShutdownError() {
    const pool = await busy();
    await pool.shutdown();
    await pool.query('RETURN 1');
  },
  async AcquireFailedError() {
    const front = await own.listen({ auth: true });
    const pool = await own.connect(front, { credentials: root });
    await pool.acquire({ credentials: { ...root, password: 'wrong' } });
  },
  async ConnectError() {
    const front = await own.listen();
    await front.close();
    await own.connect(front);
  },
  async 'ConnectError, fatal'() {
    const front = await own.listen({ auth: true });
    await own.connect(front, { credentials: { ...root, password: 'wrong' } });
  },
  async NoEndpointError() {
    const discover = () => Promise.reject(new Error('connect ECONNREFUSED 10.0.0.7:8500'));
    await createPool({ discover }, place);
  },
  async EndpointMismatchError() {
    const another = await SharedEngine.open('mem://');
    await another.query('DEFINE USER root ON ROOT PASSWORD "secret" ROLES OWNER');
    const fronts = [await own.listen({ auth: true }), await Front.listen(another, { auth: true })] as const;
    const made = ownFactory(
      fronts.map(({ url }) => url),
      { credentials: root },
    );
    try {
      for (const { url } of fronts) await made.open({ url });
    } finally {
      await made.end();
      await fronts[1].close();
      await another.close();
    }
  },
  async DeadlineError() {
    const front = await own.listen();
    front.blackHole = true;
    const failed = own.connect(front, { openTimeout: 20, retryPolicy: { maxAttempts: 1 } });
    throw await failed.catch((error: unknown) => (error instanceof ConnectError ? error.cause : error));
  },
  async ConnectionLostError() {
    const front = await own.listen();
    const pool = await own.connect(front);
    front.onRequest = ({ method }) => (method === 'query' ? 'drop' : 'pass');
    await pool.query('CREATE thing');
  },
  async IdentityLostError() {
    await own.engine.query('DEFINE USER OVERWRITE guest ON ROOT PASSWORD "secret" ROLES OWNER DURATION FOR SESSION 1s');
    const front = await own.listen({ auth: true });
    const pool = await own.connect(front, { credentials: { username: 'guest', password: 'secret' } });
    const connection = await pool.acquire();
    await own.engine.query('REMOVE USER guest ON ROOT');
    const lost = async (): Promise<unknown> =>
      await connection
        .query('RETURN 1')
        .collect()
        .catch((error: unknown) => error);
    throw await vi.waitFor(
      async () => {
        const error = await lost();
        expect(error).toBeInstanceOf(IdentityLostError);
        return error;
      },
      { timeout: 30_000 },
    );
  },
  async QueryTimeoutError() {
    const front = await own.listen();
    const pool = await own.connect(front, { queryTimeout: 50 });
    front.onRequest = ({ method }) => (method === 'query' ? 'swallow' : 'pass');
    await pool.query('RETURN 1');
  },
  async CallAbortedError() {
    const front = await own.listen();
    const pool = await own.connect(front);
    const client = new AbortController();
    front.onRequest = ({ method }) => {
      if (method === 'query') client.abort(new Error('the client has gone away'));
      return 'swallow';
    };
    await pool.scope({ signal: client.signal }).query('RETURN 1');
  },
  async CommitOutcomeUnknownError() {
    const front = await own.listen();
    const pool = await own.connect(front);
    front.onRequest = ({ method }) => (method === 'commit' ? 'drop' : 'pass');
    await pool.withTransaction(async (transaction) => await transaction.query('CREATE thing'));
  },
  async TransactionAbortedError() {
    const pool = await busy();
    await pool.query('CREATE thing:1');
    await pool.withTransaction(async (transaction) => {
      await transaction
        .query('CREATE thing:1')
        .collect()
        .catch(() => {});
    });
  },
  async 'TransactionAbortedError, in time'() {
    const pool = await busy();
    await pool.withTransaction(() => new Promise(() => {}), { timeout: 50 });
  },
  async TransactionConflictError() {
    const pool = await busy({ maxConnections: 2 });
    await pool.query('CREATE thing:1 SET value = 1');
    const change = 'UPDATE thing:1 SET value += 1';
    await pool.withTransaction(
      async (transaction) => {
        await transaction.query(change);
        await pool.query(change);
      },
      { retry: { maxAttempts: 3, initialBackoff: 1 } },
    );
  },
  async TransactionLostError() {
    const front = await own.listen();
    const pool = await own.connect(front);
    front.onRequest = ({ method }) => (method === 'commit' ? 'kill' : 'pass');
    await pool.withTransaction(async (transaction) => await transaction.query('CREATE thing'), { verifyCommit: true });
  },
  async TransactionEndedError() {
    const pool = await busy();
    const kept = await pool.withTransaction(async (transaction) => transaction);
    await kept.query('CREATE thing');
  },
  async CommitVerificationError() {
    const pool = await busy();
    await pool.withConnection(async (connection) => {
      await connection.use({ namespace: 'test', database: 'other' });
      await connection.beginTransaction({ verifyCommit: true });
    });
  },
  async SavepointUnsupportedError() {
    const pool = await busy();
    await pool.withTransaction(async (transaction) => {
      await transaction.query('CREATE thing SET value = 1');
      await transaction.savepoint();
    });
  },
  async SavepointDivergedError() {
    const pool = await busy({ maxConnections: 2 });
    await pool.query('CREATE thing:1 SET value = 1');
    const work = async (transaction: everything.Transaction): Promise<void> => {
      await transaction.query('SELECT * FROM thing:1');
      const savepoint = await transaction.savepoint();
      await transaction.query('CREATE thing:2');
      await pool.query('UPDATE thing:1 SET value += 1');
      await savepoint.rollback();
    };
    await pool.withTransaction(work, { retry: false });
  },
  async 'SavepointDivergedError, each time'() {
    const pool = await busy({ maxConnections: 2 });
    await pool.query('DEFINE TABLE user; DEFINE FIELD token ON user DEFAULT rand::string(12)');
    await pool.withTransaction(async (transaction) => {
      await transaction.query('CREATE user:1');
      const savepoint = await transaction.savepoint();
      await transaction.query('CREATE thing:1');
      await savepoint.rollback();
    });
  },
  async SavepointLimitError() {
    const pool = await busy();
    await pool.withTransaction(async (transaction) => {
      await transaction.query('RETURN $text', { text: 'x'.repeat(9_000_000) });
      await transaction.savepoint();
    });
  },
  async 'UsageError, savepoint'() {
    const pool = await busy();
    await pool.withTransaction((transaction) => transaction.rollbackToSavepoint('before'));
  },
  async AgentLimitError() {
    const usage = new Usage(
      { sessionId: '1', agentId: 'research' },
      { operationsPerSecond: 5 },
      undefined,
      new VirtualClock(),
    );
    for (let call = 0; call < 6; call++) usage.admitOperation();
  },
  async 'AgentLimitError, of a parent'() {
    const clock = new VirtualClock();
    const parent = new Usage({ sessionId: '1', agentId: 'research' }, { maxOperations: 1_000 }, undefined, clock);
    const child = new Usage({ sessionId: '2', agentId: 'helper' }, {}, parent, clock);
    for (let call = 0; call < 1_001; call++) child.admitOperation();
  },
  async 'AgentLimitError, of an answer'() {
    const usage = new Usage({ sessionId: '1', agentId: 'research' }, { maxRows: 100 }, undefined, new VirtualClock());
    usage.checkAnswer(250, 9_000);
  },
  async AuditError() {
    const pool = await busy();
    await pool.query(
      'DEFINE TABLE agent_log; DEFINE EVENT full ON agent_log WHEN true THEN { THROW "the disk is full" }',
    );
    await pool.createSession({ agentId: 'research', audit: 'strict' }).query('CREATE finding');
  },
  async LeaseReleasedError() {
    const pool = await busy();
    const connection = await pool.acquire();
    connection.release();
    await connection.query('RETURN 1');
  },
  async UsageError() {
    const pool = await busy();
    await pool.query('BEGIN');
  },
};

describe('the examples of docs/errors.md', () => {
  /** Numbers and the lines of a stack differ from run to run. */
  const comparable = (text: string): string =>
    text
      .replace(/\n +at [\s\S]*/, '\n at')
      .replace(/\d+ callers? waits?/g, 'so many wait')
      .replace(/\d+/g, '0')
      .trim();

  test.each(Object.entries(provocations))('show what %s really says', async (name, provoke) => {
    const error = await provoke().catch((failure: unknown) => failure);
    if (!(error instanceof PoolError)) throw error;
    const [kind = ''] = name.split(',');
    expect(error.name).toBe(kind);
    expect(examples(kind).map(comparable)).toContain(comparable(`${error.name}: ${error.message}`));
    expect(section(kind)).toMatch(error.retryable ? /· retryable: yes/ : /· retryable: (?:no|yes, )/);
    expect(section(kind)).toMatch(new RegExp(`· outcome: .*\`${outcomeOf(error)}\``));
  });
});
