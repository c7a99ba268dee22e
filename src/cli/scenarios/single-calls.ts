import type { PoolOptions } from '../../config/options.js';
import { messageFigures } from '../message-figures.js';
import type { Queryable } from '../workload.js';
import type { Scenario } from './scenario.js';

const callers = 64;
const connections = 4;
const callsEach = 40;

/**
 * Many callers, each with one single call of the pool after the other.
 * @param how what single calls may share, and in words
 * @param sharesMessages whether a message has to carry several of them; else it has to carry one
 */
function singleCallsWith(
  how: Partial<Pick<PoolOptions, 'batching' | 'pipelining'>>,
  inWords: string,
  sharesMessages: boolean,
): Scenario {
  return { summary: `${callers} callers on ${connections} connections, ${inWords}`, play: play(how, sharesMessages) };
}

/** They share connections and messages as they do without any option. */
export const singleCalls: Scenario = singleCallsWith({}, 'with single calls', true);
export const batchingOff: Scenario = singleCallsWith({ batching: 'off' }, 'a message for each call', false);
export const batchingWaiting: Scenario = singleCallsWith({ batching: 'waiting' }, 'in messages if they waited', true);
export const batchingAlways: Scenario = singleCallsWith({ batching: 'always' }, 'in messages at once', true);
export const pipeliningOff: Scenario = singleCallsWith(
  { batching: 'off', pipelining: 1 },
  'one call at a time on each',
  false,
);
export const pipelining: Scenario = singleCallsWith({ batching: 'off', pipelining: 8 }, 'up to 8 calls on each', false);

function play(how: Partial<PoolOptions>, sharesMessages: boolean): Scenario['play'] {
  return async (scene) => {
    const pool = await scene.open({ maxConnections: connections, maxConnecting: connections, ...how });
    const calls = callers * callsEach;
    await scene.measured('write', () => scene.store(pool));
    const read = (from: Queryable): Promise<unknown> =>
      from.query('SELECT * FROM $table LIMIT 1', { table: scene.table });
    const leased = await timed(() => each(() => scene.operate('read', read)));
    // The first call of a text goes by itself.
    await scene.measured('read', () => read(pool));
    const before = pool.poolStats();
    const single = await timed(() => each(() => scene.measured('read', () => read(pool))));
    scene.messages = messageFigures(before, pool.poolStats());
    const { calls: carried, callsPerMessage } = scene.messages;
    const perMessage = callsPerMessage ?? 0;
    scene.expectSuccess(100);
    const [text, held] = sharesMessages
      ? ['a message carries more than one call', perMessage > 1]
      : ['a message carries one call', perMessage === 1];
    scene.expect(text, `${perMessage.toFixed(1)} of at most 16`, held);
    // What it gains depends on the machine: it is told, and nothing is asked of it.
    const gain = `${(leased / single).toFixed(1)} times as many a second as with a lease for each`;
    scene.expect(`${calls.toLocaleString('en-US')} single calls are made`, gain, carried >= calls);
    scene.expectRest();
    await scene.expectNothingLost();
  };
}

async function each(work: () => Promise<unknown>): Promise<void> {
  const caller = async (): Promise<void> => {
    for (let call = 0; call < callsEach; call++) await work();
  };
  await Promise.all(Array.from({ length: callers }, caller));
}

/** @returns how long it took, in milliseconds */
async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}
