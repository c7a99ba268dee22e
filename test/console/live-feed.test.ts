import { expect, test, vi } from 'vitest';
import { EventStream } from '../../src/console/event-stream.js';
import { type ConsoleMessage, LiveFeed } from '../../src/console/live-feed.js';
import { RecentEvents } from '../../src/console/recent-events.js';
import type { PoolEvents } from '../../src/index.js';
import { Emitter } from '../../src/pool/emitter.js';
import { surroundings } from '../support/surroundings.js';
import { VirtualClock } from '../support/virtual-clock.js';

const own = surroundings();
const settle = (): Promise<void> => new Promise((done) => setImmediate(done));

test('all viewers share one timer, and without any there is none', async () => {
  const pool = await own.pool('mem://', { name: 'shop' });
  const clock = new VirtualClock();
  const feed = new LiveFeed(pool, 500, false, clock);
  expect(clock.pending).toBe(0);
  const seen: string[][] = [[], []];
  const leave = seen.map((messages) => feed.view(undefined, (message) => messages.push(message)));
  expect(clock.pending).toBe(1);
  await clock.advance(500);
  await clock.advance(500);
  expect(seen.map(({ length }) => length)).toEqual([3, 3]);
  // One text for both.
  expect(seen[0]?.at(-1)).toBe(seen[1]?.at(-1));
  leave[0]?.();
  expect(clock.pending).toBe(1);
  await clock.advance(500);
  expect(seen.map(({ length }) => length)).toEqual([3, 4]);
  leave[1]?.();
  leave[1]?.();
  expect({ timers: clock.pending, viewers: feed.viewers }).toEqual({ timers: 0, viewers: 0 });
});

test('a pool that is gone is shown no more, and its name is free', async () => {
  const [first, second] = [await own.pool('mem://', { name: 'shop' }), await own.pool('mem://', { name: 'shop' })];
  let pools = [first, second];
  const clock = new VirtualClock();
  const feed = new LiveFeed(() => pools, 500, false, clock);
  const messages: ConsoleMessage[] = [];
  const leave = feed.view('shop (2)', (message) => messages.push(JSON.parse(message)));
  pools = [first];
  await clock.advance(500);
  expect(messages.map(({ pools: all, snapshot }) => [all.length, snapshot?.pool])).toEqual([
    [2, 'shop (2)'],
    [1, undefined],
  ]);
  leave();
});

test('pools that cannot be read for a moment are a warning, and the stream goes on', async () => {
  const pool = await own.pool('mem://');
  const clock = new VirtualClock();
  let fails = true;
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  const feed = new LiveFeed(
    () => {
      if (fails) throw new Error('not yet');
      return pool;
    },
    500,
    false,
    clock,
  );
  const messages: string[] = [];
  const leave = feed.view(undefined, (message) => messages.push(message));
  expect(warned).toHaveBeenCalledWith('the live page cannot read its pools: not yet', 'SurrealPoolWarning');
  fails = false;
  await clock.advance(500);
  expect(messages).toHaveLength(1);
  leave();
  warned.mockRestore();
});

test('reading takes a hundredth of a core at most: what takes long is done less often', async () => {
  const pool = await own.pool('mem://');
  const clock = new VirtualClock();
  // Each reading of the list takes 50 ms.
  const now = vi.spyOn(clock, 'now');
  let spent = 0;
  const base = VirtualClock.prototype.now;
  now.mockImplementation(() => base.call(clock) + spent);
  const feed = new LiveFeed(
    () => {
      spent += 50;
      return pool;
    },
    500,
    false,
    clock,
  );
  const nexts: number[] = [];
  const leave = feed.view(undefined, (message) => nexts.push((JSON.parse(message) as ConsoleMessage).next));
  for (let look = 0; look < 60; look++) await clock.advance(1_000);
  leave();
  expect(nexts[0]).toBe(500);
  // 50 ms are a hundredth of 5 s.
  expect(nexts.at(-1)).toBeGreaterThan(3_000);
  expect(nexts.at(-1)).toBeLessThanOrEqual(5_000);
});

test('a slow client gets the newest message, and not those between', async () => {
  let show: (message: string) => void = () => {};
  let ended = 0;
  const leave = new AbortController();
  const stream = new EventStream((given) => {
    show = given;
    given('1');
    return () => ended++;
  }, leave.signal);
  expect(await stream.next()).toEqual({ done: false, value: 'data: 1\n\n' });
  for (const message of ['2', '3', '4']) show(message);
  expect(await stream.next()).toEqual({ done: false, value: 'data: 4\n\n' });
  const next = stream.next();
  leave.abort();
  expect(await next).toEqual({ done: true, value: undefined });
  expect(await stream.return()).toEqual({ done: true, value: undefined });
  show('5');
  expect(await stream.next()).toEqual({ done: true, value: undefined });
  expect(ended).toBe(1);
});

test('a client that has left before the stream begins gets nothing', async () => {
  let ended = 0;
  const stream = new EventStream(() => () => ended++, AbortSignal.abort());
  expect(await stream.next()).toEqual({ done: true, value: undefined });
  expect(ended).toBe(1);
});

test('events are bounded, and what says the same again is counted', async () => {
  const emitter = new Emitter<PoolEvents>();
  let time = 1_000_000;
  const events = new RecentEvents(emitter as never, () => time);
  const life = { endpoint: 'ws://node-1:8000/rpc?token=a-secret', age: 60_000, uses: 3, duration: 1 };
  for (let connection = 1; connection <= 3; connection++)
    emitter.emit('closed', { connection, reason: 'idle', ...life });
  emitter.emit('openFailed', {
    ...{ connection: 4, endpoint: life.endpoint, duration: 1, ownIdentity: true, retryIn: 1_200 },
    error: new Error('cannot connect to ws://node-1:8000/rpc: refused'),
  });
  emitter.emit('closed', { connection: 5, reason: 'idle', ...life });
  emitter.emit('rollbackFailed', { connection: 5, error: new Error('record `person:a-secret` is locked') });
  await settle();
  expect(events.shown.map(({ text, count, level }) => [level, count, text])).toEqual([
    ['warning', 1, 'a transaction on connection #5 could not be cancelled (Error)'],
    ['info', 4, 'connection #5 was closed: it was idle for longer than idleTimeout (age 60 s, lent 3 times)'],
    ['warning', 1, 'a connection to node-1:8000 could not be opened: refused; next attempt in 1.2 s'],
  ]);
  expect(JSON.stringify(events.shown)).not.toContain('a-secret');
  time += 20_000;
  emitter.emit('closed', { connection: 6, reason: 'idle', ...life });
  for (let minimum = 1; minimum <= 200; minimum++)
    emitter.emit('resized', { minConnections: minimum, maxConnections: 300 });
  await settle();
  expect(events.shown).toHaveLength(100);
  expect(events.shown[0]).toMatchObject({ text: 'the pool was resized: 200 to 300 connections', count: 1 });

  emitter.emit('nestedAcquire', { error: new Error() });
  const limit = { agentId: 'planner', sessionId: '1', limit: 'maxRows', max: 1, value: 2, error: new Error() };
  for (const refused of [1, 4]) emitter.emit('agentLimit', { ...limit, scope: 'session', limitOf: 'planner', refused });
  await settle();
  const counted = { nestedAcquires: 1, refusedAgents: [{ agentId: 'planner', limit: 'maxRows', refused: 5 }] };
  expect(events.seen).toEqual(counted);
  time += 31_000;
  expect(events.seen).toEqual(counted);
  time += 31_000;
  expect(events.seen).toEqual({ nestedAcquires: 0, refusedAgents: [] });
  events.end();
  expect(emitter.has('closed')).toBe(false);
});
