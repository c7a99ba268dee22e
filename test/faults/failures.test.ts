import { readFileSync } from 'node:fs';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  AcquireTimeoutError,
  CircuitOpenError,
  ConnectionLostError,
  outcomeOf,
  QueryTimeoutError,
} from '../../src/index.js';
import { bareSdk } from '../support/bare.js';
import { Forwarder } from '../support/forwarder.js';
import type { Fault, Front, FrontConnection } from '../support/front.js';
import { isPending } from '../support/pending.js';
import { place, surroundings } from '../support/surroundings.js';

const own = surroundings();
const bare = bareSdk();
const page = readFileSync(new URL('../../docs/failures.md', import.meta.url), 'utf8');

/** Where a fault can come in. */
interface Way {
  readonly front: Front;
  readonly forwarder: Forwarder;
  readonly socket: FrontConnection;
}

/** What becomes of one CREATE that meets a fault, which strikes when its request arrives. */
interface Row {
  /** As docs/failures.md calls it. */
  readonly fault: string;
  strike(way: Way): Fault;
  /** What the pool's caller sees, and the caller of the SDK by itself, which connects again. */
  readonly pool: 'lost' | 'timed out' | 'answered';
  readonly sdk: 'sent again' | 'open' | 'refused' | 'answered';
}

/** The largest message that `ws` takes, and one byte. */
const tooLarge = 100 * 1024 * 1024 + 1;

/** Something happens besides, and the call itself is executed and not answered. */
const besides =
  (happening: (way: Way) => void) =>
  (way: Way): Fault => {
    happening(way);
    return 'swallow';
  };

const rows: readonly Row[] = [
  { fault: 'executed, and the reply is lost', strike: () => 'drop', pool: 'lost', sdk: 'sent again' },
  { fault: 'the socket is lost before the execution', strike: () => 'kill', pool: 'lost', sdk: 'sent again' },
  {
    fault: 'the server closes the socket with a code',
    strike: besides(({ socket }) => socket.close(1011)),
    ...{ pool: 'lost', sdk: 'sent again' },
  },
  {
    fault: 'the cable is cut, and the network reports it',
    strike: besides(({ forwarder }) => forwarder.cut()),
    ...{ pool: 'lost', sdk: 'sent again' },
  },
  {
    fault: 'a proxy between ends the connection',
    strike: besides(({ forwarder }) => forwarder.cutCleanly()),
    ...{ pool: 'lost', sdk: 'sent again' },
  },
  {
    fault: 'a frame that is too large',
    strike: besides(({ socket }) => socket.oversize(tooLarge)),
    ...{ pool: 'lost', sdk: 'sent again' },
  },
  {
    fault: 'the other side is gone without a word',
    strike: besides(({ socket }) => socket.halfOpen()),
    ...{ pool: 'lost', sdk: 'open' },
  },
  {
    fault: 'the network is silent',
    strike: besides(({ forwarder }) => forwarder.silence()),
    ...{ pool: 'lost', sdk: 'open' },
  },
  { fault: 'the call is never answered', strike: () => 'swallow', pool: 'timed out', sdk: 'open' },
  {
    fault: 'the reply has an id of no call',
    strike: () => ({ nonsense: 'an unknown id' }),
    ...{ pool: 'timed out', sdk: 'open' },
  },
  {
    fault: 'the server is shutting down',
    strike({ front }) {
      front.draining = true;
      return 'pass';
    },
    // It executed nothing, so the pool asks again, by when another node is there.
    ...{ pool: 'answered', sdk: 'refused' },
  },
  {
    fault: 'the network is slow',
    strike({ forwarder }) {
      forwarder.latency = 50;
      return 'pass';
    },
    ...{ pool: 'answered', sdk: 'answered' },
  },
];

/** A way on which the first CREATE meets the fault. */
async function wayWith(row: Row): Promise<{ forwarder: Forwarder; sent: () => number }> {
  const front = await own.listen();
  const forwarder = await Forwarder.listen(front.port);
  onTestFinished(() => forwarder.close());
  let sent = 0;
  front.onRequest = ({ method, params: [text] }, socket) => {
    if (method !== 'query' || text !== 'CREATE thing') return 'pass';
    sent++;
    if (sent > 1) front.draining = false;
    return sent === 1 ? row.strike({ front, forwarder, socket }) : 'pass';
  };
  return { forwarder, sent: () => sent };
}

function seen(error: unknown): string {
  if (error instanceof ConnectionLostError) return 'lost';
  if (error instanceof QueryTimeoutError) return 'timed out';
  return outcomeOf(error);
}

describe.each(rows)('$fault', (row) => {
  test('stands in docs/failures.md', () => {
    expect(page).toContain(`| ${row.fault} |`);
  });

  test(`the caller of the pool: ${row.pool}; and then it serves again`, async () => {
    const { forwarder } = await wayWith(row);
    const pool = await own.pool(forwarder.url, {
      maxConnections: 1,
      ...{ queryTimeout: 1_000, livenessTimeout: 100, probeTimeout: 200 },
      // A node that drains may take a while to go.
      retryPolicy: { maxAttempts: 100, initialBackoff: 5, maxBackoff: 20 },
    });
    const call = pool.query('CREATE thing').collect();
    const outcome = await call.then(
      () => 'answered',
      (error: unknown) => {
        expect(outcomeOf(error)).toBe('unknown');
        return seen(error);
      },
    );
    expect(outcome).toBe(row.pool);
    const [count] = await own.engine.query('RETURN count(SELECT * FROM thing)', place);
    expect(count, 'executed once, if at all').toBeLessThanOrEqual(1);

    forwarder.latency = 0;
    forwarder.resume();
    // Not at once: a connection that the other end is closing at this very moment may still be lent.
    await vi.waitFor(async () => expect(await pool.query('RETURN 1')).toEqual([1]), 10_000);
  });

  test(`the caller of the SDK by itself: ${row.sdk}`, async ({ skip }) => {
    const { forwarder, sent } = await wayWith(row);
    // Its default but for the pause, which would be two seconds.
    const client = await bare.connect(forwarder.url, { ...place, reconnect: { enabled: true, retryDelay: 10 } });
    const call = client.query('CREATE thing').collect();
    if (row.sdk === 'open') {
      call.catch(() => {});
      skip(!(await isPending(call, 1_000)), 'the SDK no longer leaves such a call open');
      return;
    }
    const outcome = await call.then(() => (sent() > 1 ? 'sent again' : 'answered'), seen);
    skip(row.sdk === 'sent again' && outcome !== row.sdk, 'the SDK no longer sends such a call again');
    expect(outcome).toBe(row.sdk);
  });
});

interface Absence {
  readonly fault: string;
  begin(way: Omit<Way, 'socket'>): void;
  end(way: Omit<Way, 'socket'>): Promise<void> | void;
}

const absences: readonly Absence[] = [
  {
    fault: 'no server listens',
    begin: ({ forwarder }) => forwarder.refuse(),
    end: ({ forwarder }) => forwarder.accept(),
  },
  {
    fault: 'the server refuses the handshake',
    begin({ front }) {
      front.refuse = true;
    },
    end({ front }) {
      front.refuse = false;
    },
  },
  {
    fault: 'the handshake is never answered',
    begin({ front }) {
      front.blackHole = true;
    },
    end({ front }) {
      front.blackHole = false;
    },
  },
];

describe.each(absences)('$fault, while the pool is at work', ({ fault, begin, end }) => {
  test('stands in docs/failures.md', () => {
    expect(page).toContain(`| ${fault} |`);
  });

  test('callers are told within their time, then at once; and it heals without being asked', async () => {
    const front = await own.listen();
    const forwarder = await Forwarder.listen(front.port);
    onTestFinished(() => forwarder.close());
    const pool = await own.pool(forwarder.url, {
      ...{ minConnections: 2, maxConnections: 2, connectionTimeout: 300, openTimeout: 100 },
      retryPolicy: { initialBackoff: 1, maxBackoff: 10 },
      circuitBreaker: { failureThreshold: 8, probeInterval: 100, idleProbeInterval: 100 },
    });
    begin({ front, forwarder });
    forwarder.cut();
    await vi.waitFor(() => expect(pool.poolStats().idle).toBe(0));
    const errors: unknown[] = [];
    const ask = () => pool.query('RETURN 1').collect();
    await vi.waitFor(async () => {
      const error: unknown = await ask().catch((thrown: unknown) => thrown);
      errors.push(error);
      expect(error).toBeInstanceOf(CircuitOpenError);
    }, 20_000);
    for (const error of errors) {
      expect(outcomeOf(error)).toBe('not-sent');
      if (error instanceof AcquireTimeoutError) expect(error.message).toMatch(/could not|cannot|connect/);
    }
    await end({ front, forwarder });
    await vi.waitFor(() => expect(pool.poolStats()).toMatchObject({ idle: 2 }), 20_000);
    expect(await pool.query('RETURN 1')).toEqual([1]);
  });
});
