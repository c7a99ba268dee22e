import { describe, expect, test } from 'vitest';
import { Measurements } from '../../../src/cli/measurements.js';
import { Agenda, RealMoments } from '../../../src/cli/replay/moments.js';
import type { Recording } from '../../../src/cli/replay/recording.js';
import { type Lend, Replay } from '../../../src/cli/replay/replay.js';
import { mostAtOnce, type PlannedUnit, planReplay } from '../../../src/cli/replay/replay-plan.js';
import { VirtualTime } from '../../../src/cli/replay/virtual-pool.js';
import type { UnitLine } from '../../../src/record/recording-format.js';
import { between, seededRandom, shuffled } from '../../support/seeded-random.js';

const never = new AbortController().signal;

function recordingOf(units: readonly Partial<UnitLine>[]): Recording {
  return {
    startedAt: '2026-11-03T09:00:00.000Z',
    units: units.map((unit) => ({ at: 0, of: 1, kind: 'lease', identity: 1, waited: 0, ...unit })),
    pools: new Map([[1, 20]]),
    shapes: new Map([
      [1, { shape: 1, operation: 'SELECT', text: 'SELECT' }],
      [2, { shape: 2, operation: 'CREATE', text: 'CREATE' }],
    ]),
    end: undefined,
    isTorn: false,
  };
}

describe('a plan', () => {
  test('has the arrivals so many times as fast, and the times of connections as they were', () => {
    const recording = recordingOf([
      { at: 100, held: 5 },
      { at: 130, held: 7, busy: 2, kind: 'call' },
      { at: 190, held: 9, of: 2 },
      {
        at: 200,
        held: 11,
        agent: 3,
        calls: [
          [0, 1, 1],
          [2, 1, 2],
        ],
        more: 4,
      },
    ]);
    expect(planReplay(recording, 1, 2, null).units).toEqual([
      { due: 0, hold: 5, kind: 'read', agent: undefined, calls: 0 },
      { due: 15, hold: 2, kind: 'read', agent: undefined, calls: 0 },
      { due: 50, hold: 11, kind: 'write', agent: 3, calls: 6 },
    ]);
    expect(planReplay(recording, 1, 0.5, 60).units.map(({ due }) => due)).toEqual([0, 60]);
    expect(planReplay(recording, 2, 1, null).units.map(({ hold }) => hold)).toEqual([9]);
  });

  test('gives a unit that got no connection the time of the last of its kind that got one', () => {
    const { units, recorded } = planReplay(
      recordingOf([
        { at: 0, held: 5 },
        { at: 1, held: 3, kind: 'call' },
        { at: 2, error: 'E' },
        { at: 3, error: 'E' },
      ]),
      1,
      1,
      null,
    );
    expect(units.map(({ hold }) => hold)).toEqual([5, 3, 5, 5]);
    expect(recorded).toMatchObject({ units: 4, unserved: 2, kinds: { call: 1, lease: 3, transaction: 0 } });
  });

  test('knows how many connections were lent at a time', () => {
    const stretches = [
      { from: 0, length: 10 },
      { from: 5, length: 5 },
      { from: 10, length: 3 },
      { from: 9, length: 1 },
    ];
    expect(mostAtOnce(stretches)).toBe(3);
    expect(mostAtOnce([])).toBe(0);
  });
});

/** A replay in virtual time with as many connections as are wanted; says when each unit asked and gave back. */
async function replayed(units: readonly PlannedUnit[], lend?: Lend) {
  const time = new VirtualTime();
  const asked: number[] = [];
  const released: number[] = [];
  const measurements = new Measurements(0);
  const plenty: Lend = async () => ({ release: () => released.push(time.now()) });
  const replay = new Replay(
    units,
    async (unit) => {
      asked.push(time.now());
      return await (lend ?? plenty)(unit);
    },
    time,
    measurements,
  );
  await time.passUntil(replay.run(), never);
  return { asked, released, measurements, replay };
}

describe('a replay', () => {
  test('asks when each unit is due, in their order, whether or not others wait', async () => {
    const seed = Math.floor(Math.random() * 1_000_000);
    console.log(`seed of the replay: ${seed}`);
    const random = seededRandom(seed);
    const lines: UnitLine[] = [];
    for (let at = 0, unit = 0; unit < 500; unit++, at += between(random, 0, 20)) {
      lines.push({
        at,
        of: 1,
        kind: 'lease',
        identity: 1,
        waited: 0,
        held: between(random, 0, 50),
        calls: [[0, 1, 1]],
      });
    }
    for (const speed of [0.5, 1, 2, 10]) {
      const { units } = planReplay(recordingOf(lines), 1, speed, null);
      const { asked, released, measurements, replay } = await replayed(units);
      expect(asked).toEqual(lines.map(({ at }) => at / speed));
      const ends = lines.map(({ at, held = 0 }) => at / speed + held);
      expect(released.map((end) => end.toFixed(6))).toEqual(ends.sort((a, b) => a - b).map((end) => end.toFixed(6)));
      expect({ begun: replay.begun, calls: replay.calls, done: measurements.succeeded.read }).toEqual({
        begun: 500,
        calls: 500,
        done: 500,
      });
      expect(replay.timeHeld).toBeCloseTo(
        lines.reduce((sum, { held = 0 }) => sum + held, 0),
        6,
      );
      // Waits for nobody: even when no connection is ever lent, all units ask in time.
      const hanging: number[] = [];
      const time = new VirtualTime();
      const stuck = new Replay(
        units,
        () => {
          hanging.push(time.now());
          return new Promise(() => {});
        },
        time,
        new Measurements(0),
      );
      await expect(time.passUntil(stuck.run(), never)).rejects.toThrow(/never happens/);
      expect(hanging).toEqual(asked);
    }
  });

  test('counts what got no connection as an error, and goes on', async () => {
    const unit = { hold: 5, kind: 'read', agent: undefined, calls: 1 } as const;
    const units = [1, 2, 3].map((due) => ({ ...unit, due }));
    let count = 0;
    const { measurements, replay } = await replayed(units, async () => {
      if (++count === 2) throw new Error('none is free');
      return { release: () => {} };
    });
    expect([...measurements.errors]).toEqual([['Error', { count: 1, message: 'none is free' }]]);
    expect({ failed: measurements.failed, succeeded: measurements.succeeded.read, calls: replay.calls }).toEqual({
      failed: 1,
      succeeded: 2,
      calls: 2,
    });
  });

  test('that is stopped gives every connection back, once, also one that is lent later', async () => {
    const time = new VirtualTime();
    const units = [0, 1].map((due) => ({ due, hold: 1_000, kind: 'read', agent: undefined, calls: 1 }) as const);
    let released = 0;
    let lendLater = (): void => {};
    const lent = { release: () => void released++ };
    let count = 0;
    const measurements = new Measurements(0);
    const replay = new Replay(
      units,
      () => (++count === 1 ? Promise.resolve(lent) : new Promise((later) => (lendLater = () => later(lent)))),
      time,
      measurements,
    );
    time.at(10, () => replay.stop());
    await time.passUntil(replay.run(), never);
    expect(released).toBe(1);
    lendLater();
    await new Promise((turn) => setImmediate(turn));
    expect(released).toBe(2);
    expect(measurements.unfinished).toBe(2);
  });
});

describe('moments', () => {
  test('come in their order, however they were made', () => {
    const seed = Math.floor(Math.random() * 1_000_000);
    console.log(`seed of the moments: ${seed}`);
    const random = seededRandom(seed);
    const agenda = new Agenda();
    const came: number[] = [];
    const expected: number[] = [];
    for (const moment of shuffled(random, [...Array(300).keys(), ...Array(50).keys()])) {
      agenda.add(moment, () => came.push(moment));
      expected.push(moment);
      if (random() < 0.2) {
        agenda.take()?.();
        const least = Math.min(...expected);
        expect(came.pop()).toBe(least);
        expected.splice(expected.indexOf(least), 1);
      }
    }
    while (agenda.size > 0) agenda.take()?.();
    expect(agenda.take()).toBeUndefined();
    expect(came).toEqual(expected.sort((one, other) => one - other));
  });

  test('of the real clock never come early, and not after the end', async () => {
    const moments = new RealMoments();
    const early: number[] = [];
    const start = moments.now();
    await Promise.all(
      [0, 0.3, 1, 5, 2.5, 12].map(
        (delay) =>
          new Promise<void>((come) => {
            moments.at(start + delay, () => {
              if (moments.now() < start + delay) early.push(delay);
              come();
            });
          }),
      ),
    );
    expect(early).toEqual([]);
    let late = 0;
    moments.at(moments.now() + 2, () => void late++);
    moments.end();
    moments.at(moments.now(), () => void late++);
    await new Promise((later) => setTimeout(later, 10));
    expect(late).toBe(0);
  });
});
