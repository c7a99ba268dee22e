import * as v from 'valibot';
import { type Duration, readDuration } from './duration.js';
import { describe, Refusal, show } from './refusal.js';

/** A schema for one value: `read` converts it to what the pool uses, or refuses it. */
export function value<Input, Output = Input>(
  read: (given: unknown) => Output | Refusal,
): v.GenericSchema<Input, Output> {
  return v.pipe(
    v.custom<Input>(() => true),
    v.rawTransform<Input, Output>(({ dataset, addIssue, NEVER }) => {
      const output = read(dataset.value);
      if (!(output instanceof Refusal)) return output;
      addIssue({ expected: output.allowed, received: output.given });
      return NEVER;
    }),
  );
}

export function count(least: number, most: number = Number.MAX_SAFE_INTEGER): v.GenericSchema<number> {
  const range = most === Number.MAX_SAFE_INTEGER ? `at least ${least}` : `from ${least} to ${most}`;
  return value((given) => {
    if (Number.isSafeInteger(given) && Number(given) >= least && Number(given) <= most) return Number(given);
    return new Refusal(`a whole number, ${range}`, show(given));
  });
}

export function countOr(nullMeans: number, inWords: string): v.GenericSchema<number | null, number> {
  return value((given) => {
    if (given === null) return nullMeans;
    if (Number.isSafeInteger(given) && Number(given) >= 0) return Number(given);
    return new Refusal(`a whole number, or ${inWords}`, show(given));
  });
}

export function factor(): v.GenericSchema<number> {
  return value((given) => {
    if (Number.isFinite(given) && Number(given) >= 1) return Number(given);
    return new Refusal('a number, at least 1', show(given));
  });
}

export function flag(): v.GenericSchema<boolean> {
  return value((given) => (typeof given === 'boolean' ? given : new Refusal('true or false', show(given))));
}

/** A number that need not be whole. */
export function from(least: number, most: number): v.GenericSchema<number> {
  return value((given) => {
    if (typeof given === 'number' && given >= least && given <= most) return given;
    return new Refusal(`a number from ${least} to ${most}`, show(given));
  });
}

/** One of a few words or numbers. */
export function choice<Word extends string | number>(...words: readonly Word[]): v.GenericSchema<Word> {
  const allowed = words.map((word) => JSON.stringify(word)).join(', ');
  return value((given) => words.find((word) => word === given) ?? new Refusal(allowed, show(given)));
}

export function duration(): v.GenericSchema<Duration, number> {
  return value(readDuration);
}

/** A duration that null or 0 switches off; both become 0. */
export function durationOr(inWords: string): v.GenericSchema<Duration | null, number> {
  return value((given) => {
    const read = given === null ? 0 : readDuration(given);
    return read instanceof Refusal ? new Refusal(`${read.allowed}; ${inWords}`, read.given) : read;
  });
}

/** A duration that cannot be 0, since no step would ever finish in time. */
export function deadline(): v.GenericSchema<Duration, number> {
  return value((given) => {
    const read = readDuration(given);
    return read === 0 ? new Refusal('a duration of more than 0', show(given)) : read;
  });
}

/** A text that may be secret: it is never shown. */
export function text(): v.GenericSchema<string> {
  return value((given) => {
    if (typeof given === 'string' && given !== '') return given;
    return new Refusal('a text that is not empty', describe(given));
  });
}
