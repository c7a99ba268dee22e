import { Refusal, show } from '../../config/refusal.js';
import { CommandLine, type OptionDescriptions, optionsHelp } from '../command-line.js';
import { wrap } from '../formats.js';
import { defaultUiPort } from '../load-ui.js';
import { nonEmpty, readName, readTime } from '../option-readers.js';
import type { ConsoleAddress } from './console-client.js';

/** The options of `surreal-pool top`. */
export interface TopOptions extends ConsoleAddress {
  /** The pool to show first; undefined for the first of the server. */
  readonly pool: string | undefined;
  /** The least time between two screens or lines, in milliseconds. */
  readonly interval: number;
  readonly once: boolean;
  readonly json: boolean;
}

type Name = 'token' | 'pool' | 'interval' | 'once' | 'json' | 'version' | 'help';

const descriptions: OptionDescriptions<Name> = {
  token: { value: '<text>', help: 'better in SURREAL_POOL_CONSOLE_TOKEN' },
  pool: { value: '<name>', help: 'which pool, if the server has several (the first)' },
  interval: { short: 'i', value: '<time>', help: 'between two screens, or lines (1s)' },
  once: { short: '1', help: 'one screen, without codes for a terminal' },
  json: { short: 'j', help: 'one snapshot as JSON' },
  version: { short: 'v', help: 'show the version' },
  help: { short: 'h', help: 'show this' },
};

const ownAddress = `http://127.0.0.1:${defaultUiPort}`;

export function topHelp(columns: number): string {
  const text = (sentence: string): string => wrap(sentence, Math.min(columns, 80)).join('\n');
  return `${text('surreal-pool top: shows what a pool of another process does now')}

Usage: surreal-pool top [url] [options]
In brackets: what holds without it.

${optionsHelp(descriptions, columns)}

${text(`The url is that of a consoleHandler() (${ownAddress}, where surreal-pool load --ui shows its pool).`)}
${text('Without a terminal it writes a line each interval.')}
${text('Keys: q ends it, p freezes it, up and down move the leases, left and right put them in another order, tab shows the next pool.')}
${text('Exit: 0 done, 1 the pool cannot be read, 2 wrong options, 130 or 143 stopped.')}
`;
}

/**
 * Reads the options; undefined when the user asked for help.
 *
 * @throws ConfigurationError that lists every problem
 */
export function readTopOptions(
  parameters: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): TopOptions | undefined {
  const line = new CommandLine<Name>(parameters, descriptions, { watch: 'interval', n: 'interval' }, '[url]');
  if (line.has('help')) return undefined;
  const page = line.readOperand(readPage) ?? new URL(ownAddress);
  const once = line.has('once');
  const json = line.has('json');
  if (once && json) line.refuse('once', new Refusal('without --json, which shows one snapshot too', 'with --json'));
  const options = {
    page,
    token: line.read('token', readToken) ?? tokenOf(line, environment),
    pool: line.read('pool', readName) ?? page.searchParams.get('pool') ?? undefined,
    interval: line.read('interval', readShownInterval) ?? 1_000,
    ...{ once, json },
  };
  line.check('The options of surreal-pool top');
  return options;
}

const shortestInterval = 100;

function readShownInterval(text: string): number | Refusal {
  const time = readTime(text);
  if (typeof time !== 'number' || time >= shortestInterval) return time;
  return new Refusal(`a time of at least ${shortestInterval} ms`, show(text));
}

function tokenOf(
  line: CommandLine<Name>,
  environment: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const text = line.has('token') ? undefined : nonEmpty(environment.SURREAL_POOL_CONSOLE_TOKEN);
  const token = text === undefined ? undefined : readToken(text);
  if (!(token instanceof Refusal)) return token;
  line.refuse('token', new Refusal(token.allowed, `${token.given} by SURREAL_POOL_CONSOLE_TOKEN`));
  return undefined;
}

/** Says of a token only what is wrong with it. */
function readToken(text: string): string | Refusal {
  return /^[\x21-\x7e]+$/.test(text)
    ? text
    : new Refusal(
        'the token of the handler',
        text === '' ? 'an empty text' : 'a text with a blank or a sign beyond ASCII',
      );
}

/** A user or a password in an address would be shown, and is no way in. */
function readPage(text: string): URL | Refusal {
  const allowed = `the address of a live page, such as ${ownAddress}`;
  const full = /^\d+$/.test(text)
    ? `http://127.0.0.1:${text}`
    : /^[a-z][a-z\d+.-]*:\/\//i.test(text)
      ? text
      : `http://${text}`;
  const url = URL.canParse(full) ? new URL(full) : undefined;
  if (url === undefined) return new Refusal(allowed, show(text));
  if (url.protocol === 'ws:' || url.protocol === 'wss:') {
    return new Refusal(`${allowed}; that of the database is for surreal-pool load`, `an address with ${url.protocol}`);
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    return new Refusal(allowed, `an address with ${url.protocol}`);
  if (url.username !== '' || url.password !== '') {
    return new Refusal(`${allowed}, without a user and a password; --token is the way in`, 'an address with a user');
  }
  url.hash = '';
  url.pathname = url.pathname.replace(/\/(?:events|snapshot)\/*$/, '/');
  return url;
}
