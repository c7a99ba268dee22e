import type { OptionReader } from './closed-options.js';
import { readDuration } from './duration.js';
import { describe, Refusal, show } from './refusal.js';

/** Reads a duration as milliseconds. */
export const asDuration: OptionReader = readDuration;

export const asFlag: OptionReader = (given) =>
  typeof given === 'boolean' ? given : new Refusal('true or false', show(given));

export const asSignal: OptionReader = (given) => {
  try {
    // `instanceof` would miss a signal of another realm or of a library.
    const { aborted, addEventListener, signal } = Object(given) as Partial<AbortSignal & AbortController>;
    if (typeof aborted === 'boolean' && typeof addEventListener === 'function') return given;
    if (signal instanceof AbortSignal) return new Refusal('an AbortSignal: controller.signal', describe(given));
  } catch {
    // A value that cannot be read is no signal.
  }
  return new Refusal('an AbortSignal', describe(given));
};

/** Reads one of these words. */
export function oneOf(...words: readonly string[]): OptionReader {
  const allowed = words.map((word) => `'${word}'`).join(' or ');
  return (given) => (words.includes(given as string) ? given : new Refusal(allowed, show(given)));
}
