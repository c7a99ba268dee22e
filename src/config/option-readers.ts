import type { OptionReader } from './closed-options.js';
import { readDuration } from './duration.js';
import { describe, Refusal, show } from './refusal.js';

/** In milliseconds from now on. */
export const asDuration: OptionReader = readDuration;

export const asFlag: OptionReader = (given) =>
  typeof given === 'boolean' ? given : new Refusal('true or false', show(given));

export const asSignal: OptionReader = (given) => {
  try {
    // One of another realm, or of a library, is none by `instanceof`.
    const { aborted, addEventListener, signal } = Object(given) as Partial<AbortSignal & AbortController>;
    if (typeof aborted === 'boolean' && typeof addEventListener === 'function') return given;
    if (signal instanceof AbortSignal) return new Refusal('an AbortSignal: controller.signal', describe(given));
  } catch {
    // What cannot be read is none.
  }
  return new Refusal('an AbortSignal', describe(given));
};
