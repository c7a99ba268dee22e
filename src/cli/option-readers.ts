import { readAddress } from '../config/address.js';
import { readDuration } from '../config/duration.js';
import type { PasswordCredentials } from '../config/identity-options.js';
import { nearest } from '../config/nearest.js';
import { Refusal, show } from '../config/refusal.js';
import type { CommandLine } from './command-line.js';

/** A variable of the environment that is empty counts as not set. */
export function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

export function readEndpoint(text: string): string | Refusal {
  const address = readAddress(text, undefined, '--username and --password');
  return address instanceof Refusal ? address : address.url;
}

export function readName(text: string): string | Refusal {
  return text === '' ? new Refusal('a name', 'an empty text') : text;
}

export function readSecret(text: string): string | Refusal {
  return text === '' ? new Refusal('a password', 'an empty text') : text;
}

export function countFrom(least: number): (text: string) => number | Refusal {
  return (text) => {
    const count = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    return Number.isSafeInteger(count) && count >= least
      ? count
      : new Refusal(`a whole number, at least ${least}`, show(text));
  };
}

const times = 'a time with its unit, such as 500ms, 30s or 1m30s';

export function readTime(text: string): number | Refusal {
  const time = readDuration(text);
  return typeof time === 'number' && time > 0 ? time : new Refusal(withUnit(text) ?? times, show(text));
}

export function readInterval(text: string): number | Refusal {
  const time = text === '0' ? 0 : readDuration(text);
  return typeof time === 'number'
    ? time
    : new Refusal(withUnit(text) ?? 'a time with its unit, such as 500ms or 5s; 0 for never', show(text));
}

/** Other tools take a number without a unit for seconds. */
function withUnit(text: string): string | undefined {
  return /^[1-9]\d*$/.test(text) ? `a time with its unit: ${text}s (did you mean that?)` : undefined;
}

/** One of these names, or a refusal with the nearest. */
export function oneOf<Name extends string>(names: readonly Name[]): (text: string) => Name | Refusal {
  return (text) => {
    const found = names.find((name) => name === text);
    if (found !== undefined) return found;
    const meant = nearest(text, names);
    return new Refusal(meant === undefined ? names.join(', ') : `${meant} (did you mean that?)`, show(text));
  };
}

/** Who signs in: by the options, or by the environment; null for nobody. */
export function readCredentials(
  line: CommandLine<'username' | 'password'>,
  environment: Readonly<Record<string, string | undefined>>,
): PasswordCredentials | null {
  const username = line.read('username', readName) ?? nonEmpty(environment.SURREAL_POOL_USERNAME);
  const password = line.read('password', readSecret) ?? nonEmpty(environment.SURREAL_POOL_PASSWORD);
  if (username === undefined && password === undefined) return null;
  if (username !== undefined && password !== undefined) return { username, password };
  const [missing, other] =
    username === undefined ? (['username', 'password'] as const) : (['password', 'username'] as const);
  // One that was given, and refused, is told already.
  if (!line.has(missing)) {
    line.refuse(missing, new Refusal('both --username and --password, or neither', `only a ${other}`));
  }
  return null;
}
