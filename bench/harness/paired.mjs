import { medianInterval } from './interval.mjs';

/** @typedef {{ name: string, sample: () => Promise<number> | number }} Contender */
/** @typedef {import('./results.mjs').Comparison} Comparison */

/** So long, in milliseconds, one sample takes about: long beside the clock's own step. */
const sampleTime = 20;
/** So long code runs before it is measured, for the compiler to have done with it. */
const warmUpTime = 150;

/**
 * Contenders that take turns: in every round each gives one sample, in a new random order, and what counts is its ratio
 * to the reference *of the same round*, so that whatever else this machine is doing hits both. The reference takes part
 * twice: how far its second ratio is from 1 is what a ratio is worth here.
 *
 * @param {string} title
 * @param {readonly Contender[]} contenders The first one is the reference.
 * @param {{ rounds: number, unit?: Comparison['unit'] }} options
 * @returns {Promise<Comparison>}
 */
export async function compare(title, contenders, { rounds, unit = 'ns' }) {
  const [reference] = contenders;
  if (reference === undefined) throw new Error(`${title}: nothing to compare`);
  const everybody = [...contenders, { name: `${reference.name}, again`, sample: reference.sample }];
  /** @type {number[][]} */
  const samples = everybody.map(() => []);
  const order = everybody.map((_, index) => index);
  // The first round is not counted: it warms up.
  for (let round = -1; round < rounds; round++) {
    shuffle(order);
    for (const index of order) {
      const sample = (await everybody[index]?.sample()) ?? Number.NaN;
      if (round >= 0) samples[index]?.push(sample);
    }
  }
  const base = samples[0] ?? [];
  return {
    kind: 'comparison',
    title,
    unit,
    rounds,
    rows: everybody.map(({ name }, index) => {
      const own = samples[index] ?? [];
      return {
        name,
        time: medianInterval(own),
        ratio: medianInterval(own.map((sample, round) => sample / (base[round] ?? Number.NaN))),
      };
    }),
  };
}

/**
 * A contender that computes, so many times; one sample is the processor time of one, in nanoseconds, with its share of
 * collecting the garbage. Unlike time by the clock it leaves out what other processes do meanwhile.
 *
 * @param {string} name
 * @param {(times: number) => Promise<void> | void} run
 * @returns {Contender}
 */
export function computing(name, run) {
  return repeated(name, run, processorTime);
}

/**
 * A contender that also waits for others (sockets, an engine's threads), so many times; one sample is the time of one by
 * the clock, in nanoseconds.
 *
 * @param {string} name
 * @param {(times: number) => Promise<void> | void} run
 * @returns {Contender}
 */
export function waiting(name, run) {
  return repeated(name, run, stopwatch);
}

/**
 * How many times make a sample is found out at the first one, when everything is compiled.
 *
 * @param {string} name
 * @param {(times: number) => Promise<void> | void} run
 * @param {typeof stopwatch} measure
 * @returns {Contender}
 */
function repeated(name, run, measure) {
  let times = 0;
  return {
    name,
    async sample() {
      if (times === 0) {
        const warm = performance.now() + warmUpTime;
        for (times = 1; performance.now() < warm; times = Math.min(times * 2, 1 << 12)) await run(times);
        for (times = 1; (await shortest(() => measure(() => run(times)))) < sampleTime / 2; ) times *= 2;
      }
      // Timers that came due meanwhile fire now. A pool whose timers never fire takes the machine for suspended.
      await new Promise(setImmediate);
      // What others left behind is not collected at this one's cost.
      globalThis.gc?.({ type: 'minor' });
      return ((await measure(() => run(times))) * 1e6) / times;
    },
  };
}

/**
 * Of three: the compiler and the collector, which run beside it, make one of them seem long. A sample would be too short then.
 *
 * @param {() => Promise<number>} measured
 */
async function shortest(measured) {
  return Math.min(await measured(), await measured(), await measured());
}

/**
 * @param {() => Promise<unknown> | unknown} work
 * @returns {Promise<number>} how long it took, in milliseconds
 */
export async function stopwatch(work) {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/**
 * @param {() => Promise<unknown> | unknown} work
 * @returns {Promise<number>} how long this process computed for it, in milliseconds
 */
export async function processorTime(work) {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

/** @param {unknown[]} items */
export function shuffle(items) {
  for (let last = items.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1));
    [items[last], items[other]] = [items[other], items[last]];
  }
}
