import { Console } from 'node:console';
import type { Logger } from '../logger.js';
import { consoleLines } from './console-lines.js';
import { loggedError } from './logged-error.js';

/**
 * The logger that the pool writes to, for the one that it was given. A console prints objects as a program has them, so it
 * gets one text for each line; every other logger gets the details and the message, and errors in which a cause stands
 * once.
 */
export function loggerFor(given: Logger): Logger {
  if (given === globalThis.console || given instanceof Console) return consoleLines(given as typeof globalThis.console);
  const write =
    (level: keyof Logger) =>
    (details: object, message: string): void => {
      const { err } = details as { readonly err?: unknown };
      given[level](err === undefined ? details : { ...details, err: loggedError(err) }, message);
    };
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}
