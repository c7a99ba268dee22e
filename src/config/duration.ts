import { ConfigurationError } from '../errors/configuration.js';
import { Refusal, show } from './refusal.js';

/**
 * A length of time: a number of milliseconds, or a text of whole numbers with units, the largest first:
 * `"250ms"`, `"30s"`, `"5m"`, `"1h"`, `"1d"`, `"1m30s"`. At most 24 days.
 */
export type Duration = number | string;

const units = { days: 86_400_000, hours: 3_600_000, minutes: 60_000, seconds: 1_000, milliseconds: 1 } as const;

const pattern =
  /^(?=\d)(?:(?<days>\d+)d)?(?:(?<hours>\d+)h)?(?:(?<minutes>\d+)m)?(?:(?<seconds>\d+)s)?(?:(?<milliseconds>\d+)ms)?$/;

/** Node stores a timer's delay in 31 bits of milliseconds, a little over 24 days; a longer one would fire at once. */
const longest = 2 ** 31 - 1;

const spellings = 'milliseconds as a number, or a text such as "250ms", "30s", "1m30s", "1h"';

/**
 * The milliseconds of a duration.
 *
 * @throws ConfigurationError when it is negative, not finite, longer than 24 days or not a duration at all
 */
export function parseDuration(value: Duration): number {
  const duration = readDuration(value);
  if (typeof duration === 'number') return duration;
  const { given, allowed } = duration;
  throw new ConfigurationError(`Not a duration: given ${given}; allowed: ${allowed}`, {
    issues: [{ path: 'duration', given, allowed }],
  });
}

/** Converts any value to milliseconds, or refuses it. */
export function readDuration(value: unknown): number | Refusal {
  const duration = typeof value === 'string' ? millisecondsIn(value) : value;
  if (typeof duration !== 'number' || !Number.isFinite(duration)) return new Refusal(spellings, show(value));
  if (duration < 0) return new Refusal(`${spellings}; not negative`, show(value));
  if (duration > longest) return new Refusal(`${spellings}; at most 24 days, as a timer holds no more`, show(value));
  return duration;
}

function millisecondsIn(text: string): number | undefined {
  const parts = pattern.exec(text)?.groups;
  if (!parts) return undefined;
  return Object.entries(units).reduce((sum, [unit, milliseconds]) => sum + Number(parts[unit] ?? 0) * milliseconds, 0);
}
