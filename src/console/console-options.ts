import { ClosedOptions, type OptionReader } from '../config/closed-options.js';
import { type Duration, readDuration } from '../config/duration.js';
import { refused } from '../config/form.js';
import { asFlag } from '../config/option-readers.js';
import { describe, Refusal, show } from '../config/refusal.js';

/** Who may see the live page, and what it may do. */
export interface ConsoleOptions {
  /**
   * A secret of 16 to 256 characters without blanks, which a client sends as `Authorization: Bearer …`. Actions need it always;
   * looking needs it with `allowRemote`.
   */
  token?: string | undefined;
  /**
   * Whether the page can pause and resume the pool, replace its connections, drain a server and end a lease. Default `false`.
   * Needs a `token`.
   */
  actions?: boolean | undefined;
  /**
   * Whether clients of other machines are answered. Default `false`: only clients of this machine, which ask for `localhost` or
   * an address of it. Needs a `token`, which everything but the empty page then needs.
   */
  allowRemote?: boolean | undefined;
  /**
   * How often a viewer gets a new snapshot. Default `500ms`; from 100 ms to one minute. It is less often when a snapshot takes
   * long to read: all viewers together take at most a hundredth of a core.
   */
  interval?: Duration | undefined;
}

export interface ResolvedConsoleOptions {
  readonly token: string | undefined;
  readonly actions: boolean;
  readonly allowRemote: boolean;
  readonly interval: number;
}

const shortestToken = 16;
const longestToken = 256;
const shortestInterval = 100;
const longestInterval = 60_000;

/** Says of a token only what is wrong with it. */
const asToken: OptionReader = (given) => {
  const allowed = `a text of ${shortestToken} to ${longestToken} characters without blanks`;
  if (typeof given !== 'string') return new Refusal(allowed, describe(given));
  if (given.length < shortestToken || given.length > longestToken) {
    return new Refusal(allowed, `a text of ${given.length} characters`);
  }
  return /^[\x21-\x7e]+$/.test(given)
    ? given
    : new Refusal(allowed, 'a text with a blank, or with a letter beyond ASCII');
};

const asInterval: OptionReader = (given) => {
  const read = readDuration(given);
  if (typeof read !== 'number' || (read >= shortestInterval && read <= longestInterval)) return read;
  return new Refusal('a duration from 100 ms to 1 minute', show(given));
};

const title = 'The options of consoleHandler()';
const consoleOptions = new ClosedOptions<ConsoleOptions>(title, {
  token: asToken,
  actions: asFlag,
  allowRemote: asFlag,
  interval: asInterval,
});

/** @throws ConfigurationError */
export function readConsoleOptions(options: ConsoleOptions): ResolvedConsoleOptions {
  const { token, actions = false, allowRemote = false, interval = 500 } = consoleOptions.read(options);
  if (token === undefined && (actions || allowRemote)) {
    const allowed = `a token of ${shortestToken} characters at least, with \`${actions ? 'actions' : 'allowRemote'}: true\``;
    throw refused(title, [{ path: 'token', given: 'nothing', allowed }]);
  }
  return { token, actions, allowRemote, interval: Number(interval) };
}
