import type { OptionReader } from './closed-options.js';
import { readDuration } from './duration.js';
import { describe, Refusal, show } from './refusal.js';

/** Checked elsewhere, where its meaning is known. */
export const asItIs: OptionReader = (given) => given;

/** In milliseconds from now on. */
export const asDuration: OptionReader = readDuration;

export const asFlag: OptionReader = (given) =>
  typeof given === 'boolean' ? given : new Refusal('true or false', show(given));

export const asSignal: OptionReader = (given) => {
  if (typeof given === 'object' && given !== null) {
    const { aborted, addEventListener, signal } = given as Partial<AbortSignal> & { signal?: unknown };
    if (typeof aborted === 'boolean' && typeof addEventListener === 'function') return given;
    if (signal !== undefined) return new Refusal('an AbortSignal: controller.signal', describe(given));
  }
  return new Refusal('an AbortSignal', describe(given));
};
