/**
 * A circuit breaker as a value: it says whether an endpoint that keeps failing is worth another attempt.
 *
 *              failures in a row                 pause is over, one probe
 *     closed ──────────────────────▶ open ──────────────────────────────▶ half-open
 *        ▲                            ▲                                      │   │
 *        │                            └───── the probe failed: longer pause ─┘   │
 *        └──────────────────────────── the probe succeeded ─────────────────────┘
 *
 * (Nygard, "Release It!", 2007.) Every function is pure: it takes a breaker and gives the next one.
 */
export type CircuitBreaker =
  | { readonly state: 'closed'; readonly failures: number }
  | { readonly state: 'open'; readonly until: number; readonly openings: number }
  | { readonly state: 'half-open'; readonly openings: number };

/** The word for a breaker's state. */
export type CircuitBreakerState = CircuitBreaker['state'];

export interface CircuitBreakerSettings {
  /** Failures in a row that open it; 0 switches it off. */
  readonly failureThreshold: number;
  /** How long it stays open the first time, in milliseconds; each failed probe doubles it. */
  readonly initialPause: number;
  /** However often the probe fails, the pause does not become longer than this, in milliseconds. */
  readonly maxPause: number;
}

export const closedBreaker: CircuitBreaker = { state: 'closed', failures: 0 };

/** How long until an attempt may be made, in milliseconds: 0 for now, `Infinity` while the one probe is under way. */
export function waitOf(breaker: CircuitBreaker, now: number): number {
  if (breaker.state === 'closed') return 0;
  return breaker.state === 'open' ? Math.max(0, breaker.until - now) : Number.POSITIVE_INFINITY;
}

/** An attempt begins. From an open breaker whose pause is over it is the probe. */
export function attempted(breaker: CircuitBreaker, now: number): CircuitBreaker {
  if (breaker.state !== 'open' || breaker.until > now) return breaker;
  return { state: 'half-open', openings: breaker.openings };
}

/** The endpoint answered, whatever the answer was. */
export function succeeded(): CircuitBreaker {
  return closedBreaker;
}

/**
 * The endpoint could not be reached, did not answer in time, or was lost.
 * @param random from 0 (inclusive) to 1: the pause is drawn between half of it and all of it
 */
export function failed(
  breaker: CircuitBreaker,
  now: number,
  settings: CircuitBreakerSettings,
  random: number,
): CircuitBreaker {
  if (breaker.state === 'open') return breaker;
  const failures = breaker.state === 'closed' ? breaker.failures + 1 : settings.failureThreshold;
  if (failures < settings.failureThreshold) return { state: 'closed', failures };
  const openings = breaker.state === 'closed' ? 1 : breaker.openings + 1;
  const pause = Math.min(settings.initialPause * 2 ** (openings - 1), settings.maxPause);
  return { state: 'open', until: now + pause * (0.5 + random / 2), openings };
}
