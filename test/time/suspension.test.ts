import { describe, expect, test, vi } from 'vitest';
import { SuspensionWatch } from '../../src/time/suspension.js';

const hour = 3_600_000;

/** A machine with a monotonic clock and a time of day, and the watch on it. */
class Machine {
  #monotonic = 1_000;
  #wall = 1_700_000_000_000;
  readonly readings = vi.fn(() => this.#wall);
  readonly #watch = new SuspensionWatch(this.#monotonic, this.readings);

  runs(time: number): void {
    this.#monotonic += time;
    this.#wall += time;
  }

  /** As on Linux, where the monotonic clock stands still meanwhile. */
  isSuspended(time: number): void {
    this.#wall += time;
    this.runs(1);
  }

  sets(by: number): void {
    this.#wall += by;
    this.runs(1);
  }

  since(): number {
    return this.#watch.since(this.#monotonic);
  }
}

describe('a suspension', () => {
  test('is told once, with its length', () => {
    const machine = new Machine();
    machine.isSuspended(8 * hour);
    expect(machine.since()).toBe(8 * hour);
    machine.runs(1);
    expect(machine.since()).toBe(0);
    machine.isSuspended(6_000);
    expect(machine.since()).toBe(6_000);
  });

  test('is not seen in time that went by on both clocks', () => {
    const machine = new Machine();
    for (const time of [1, 1_000, hour, 100 * hour]) {
      machine.runs(time);
      expect(machine.since()).toBe(0);
    }
  });

  test('is not seen in a time of day that is corrected in small steps, however many', () => {
    const machine = new Machine();
    for (let step = 0; step < 1_000; step++) {
      machine.sets(500);
      expect(machine.since()).toBe(0);
    }
  });

  test('is not seen in a time of day that is set back, and is noticed after that', () => {
    const machine = new Machine();
    machine.sets(-hour);
    expect(machine.since()).toBe(0);
    machine.isSuspended(hour);
    expect(machine.since()).toBe(hour);
  });

  test('costs no reading of the time of day for calls that follow at once', () => {
    const machine = new Machine();
    machine.runs(1);
    const before = machine.readings.mock.calls.length;
    for (let call = 0; call < 1_000; call++) machine.since();
    expect(machine.readings).toHaveBeenCalledTimes(before + 1);
  });
});
