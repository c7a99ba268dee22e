import { DeadlineError } from '../errors/connect.js';
import type { Clock } from '../time/clock.js';
import { inOwnContext } from '../time/own-context.js';
import { patientTimer } from '../time/patient-timer.js';

/** How one step of work ended. */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  /** `unfinished`: the work, if it was given up before it ended. */
  | { readonly ok: false; readonly error: unknown; readonly unfinished?: Promise<T> };

/** One step of work: its name in errors, its time limit, and the work. */
export interface Step<T> {
  readonly name: string;
  /** In milliseconds. */
  readonly timeout: number;
  start(signal: AbortSignal): Promise<T>;
}

/** The owner of a step. It can abandon the step. */
export interface StepOwner {
  abandon: ((reason: Error) => void) | undefined;
}

/**
 * Starts one step of work under a deadline. `settled` is called exactly once: when the work ends, when the deadline
 * passes, or when its owner abandons it, whichever is first; never before this returns.
 */
export function runStep<T>(
  clock: Clock,
  owner: StepOwner,
  step: Step<T>,
  settled: (outcome: Outcome<T>) => void,
): void {
  const controller = new AbortController();
  let pending = true;
  const settle = (outcome: Outcome<T>): void => {
    if (!pending) return;
    pending = false;
    timer.cancel();
    if (owner.abandon === giveUp) owner.abandon = undefined;
    settled(outcome);
  };
  const giveUp = (reason: Error): void => {
    settle({ ok: false, error: reason, unfinished: work });
    controller.abort(reason);
  };
  const timer = patientTimer(clock, step.timeout, true, () => giveUp(new DeadlineError(step.name, step.timeout)));
  owner.abandon = giveUp;
  const work = inOwnContext(() => Promise.resolve().then(() => step.start(controller.signal)));
  work.then(
    (value) => settle({ ok: true, value }),
    (error) => settle({ ok: false, error }),
  );
}
