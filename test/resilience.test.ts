import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { attempted, closedBreaker, failed, succeeded, waitOf } from '../src/endpoints/circuit-breaker.js';
import { fullJitterBackoff } from '../src/time/backoff.js';

const settings = { failureThreshold: 3, initialPause: 100, maxPause: 1000 };

describe('the circuit breaker', () => {
  test('opens after that many failures in a row, and not for failures with an answer between', () => {
    let breaker = failed(failed(closedBreaker, 0, settings, 0), 0, settings, 0);
    expect(waitOf(breaker, 0)).toBe(0);
    breaker = failed(failed(succeeded(), 0, settings, 0), 0, settings, 0);
    expect(breaker.state).toBe('closed');
    breaker = failed(breaker, 10, settings, 1);
    expect(breaker).toEqual({ state: 'open', until: 110, openings: 1 });
    expect(waitOf(breaker, 60)).toBe(50);
  });

  test('lets one probe through when its pause is over, and waits longer each time the probe fails', () => {
    let breaker = failed(closedBreaker, 0, { failureThreshold: 1, initialPause: 100, maxPause: 1000 }, 1);
    const pauses: number[] = [];
    for (let round = 0; round < 6; round++) {
      const now = breaker.state === 'open' ? breaker.until : Number.NaN;
      expect(waitOf(breaker, now)).toBe(0);
      breaker = attempted(breaker, now);
      expect(breaker.state).toBe('half-open');
      expect(waitOf(breaker, now), 'nobody else').toBe(Number.POSITIVE_INFINITY);
      breaker = failed(breaker, now, settings, 1);
      pauses.push(waitOf(breaker, now));
    }
    expect(pauses).toEqual([200, 400, 800, 1000, 1000, 1000]);
    expect(succeeded()).toEqual(closedBreaker);
  });

  test('in every sequence of events: open only after enough failures, at most one probe at a time, always a way back', () => {
    const events = fc.array(
      fc.oneof(
        fc.constant('attempt' as const),
        fc.constant('success' as const),
        fc.constant('failure' as const),
        fc.nat(500),
      ),
      { maxLength: 200 },
    );
    fc.assert(
      fc.property(events, fc.double({ min: 0, max: 1, noNaN: true }), (sequence, random) => {
        let breaker = closedBreaker;
        let now = 0;
        let inARow = 0;
        for (const event of sequence) {
          const before = breaker;
          if (event === 'attempt') {
            const wait = waitOf(breaker, now);
            breaker = attempted(breaker, now);
            expect(breaker.state === 'half-open' && before.state !== 'half-open').toBe(
              before.state === 'open' && wait === 0,
            );
          } else if (event === 'success') {
            inARow = 0;
            breaker = succeeded();
          } else if (event === 'failure') {
            inARow++;
            breaker = failed(breaker, now, settings, random);
            if (before.state === 'closed') expect(breaker.state === 'open').toBe(inARow >= settings.failureThreshold);
            if (before.state === 'half-open') expect(breaker.state).toBe('open');
          } else {
            now += event;
          }
          if (breaker.state === 'open') {
            expect(waitOf(breaker, now)).toBeLessThanOrEqual(settings.maxPause);
            expect(attempted(breaker, breaker.until).state).toBe('half-open');
          }
        }
      }),
    );
  });
});

describe('the backoff', () => {
  test('draws each pause between zero and a bound that grows up to its limit', () => {
    const bounds = { initialBackoff: 100, maxBackoff: 1000, multiplier: 2 };
    const pauses = (random: number) => [1, 2, 3, 4, 5, 50, 5000].map(fullJitterBackoff(bounds, () => random));
    expect(pauses(0)).toEqual([0, 0, 0, 0, 0, 0, 0]);
    expect(pauses(1)).toEqual([100, 200, 400, 800, 1000, 1000, 1000]);
    expect(pauses(0.5)).toEqual([50, 100, 200, 400, 500, 500, 500]);
  });
});
