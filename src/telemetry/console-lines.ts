import type { Logger } from '../logger.js';
import { formatDuration } from '../time/format-duration.js';
import { messageWithCauses } from './logged-error.js';

/** The details that are durations, in milliseconds, with their labels. */
const durations: Readonly<Record<string, string>> = {
  age: 'aged',
  duration: 'took',
  gracePeriod: 'grace period',
  held: 'held for',
  idle: 'idle for',
  nextProbeIn: 'next attempt in',
  retryIn: 'next attempt in',
  waited: 'waited',
};

/** Details that are shown elsewhere in the line; `repeated` is in the message. The cause may name the endpoint as well. */
const elsewhere: ReadonlySet<string> = new Set(['pool', 'err', 'origin', 'repeated']);

/**
 * A logger that writes lines for people: the message, the cause, and then the details in words.
 *
 *     a connection could not be opened: cannot connect to ws://db:8000/rpc: … (app/main, connection 3, took 12 ms)
 */
export function consoleLines(console: Pick<Console, keyof Logger>): Logger {
  const write =
    (level: keyof Logger) =>
    (details: object, message: string): void =>
      // With '%s', since a `%` in the text would be taken for a format.
      console[level]('%s', lineOf(details as Details, message));
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}

type Details = Readonly<Record<string, unknown>>;

/** One line of the log; the stack of a connection's holder follows on its own lines. */
export function lineOf(details: Details, message: string): string {
  const { err, origin, pool } = details;
  const why = err === undefined ? '' : `: ${messageWithCauses(err)}`;
  const words = Object.entries(details).flatMap(([key, value]) =>
    elsewhere.has(key) || (key === 'endpoint' && why.includes(String(value))) ? [] : inWords(key, value),
  );
  const about = [...(pool === undefined ? [] : [String(pool)]), ...words].join(', ');
  const { holder, stack } = Object(err) as { readonly holder?: unknown; readonly stack?: unknown };
  const stacks = [origin, holder === undefined ? undefined : framesIn(stack), holder].filter(
    (text): text is string => typeof text === 'string' && text !== '',
  );
  return [`${message}${why}${about === '' ? '' : ` (${about})`}`, ...stacks].join('\n');
}

function inWords(key: string, value: unknown): string[] {
  const duration = durations[key];
  if (duration !== undefined) return typeof value === 'number' ? [`${duration} ${formatDuration(value)}`] : [];
  // Shown only for other identities, since nearly all events are of the pool's own.
  if (key === 'ownIdentity') return value === false ? ['another identity'] : [];
  const name = key.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  switch (typeof value) {
    case 'boolean':
      return [value ? name : `not ${name}`];
    case 'string':
    case 'number':
    case 'bigint':
      return [`${name} ${value}`];
    default:
      return [];
  }
}

function framesIn(stack: unknown): string | undefined {
  return typeof stack === 'string' ? stack.slice(stack.search(/^\s+at /m)) : undefined;
}
