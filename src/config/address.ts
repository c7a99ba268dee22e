import { describe, Refusal } from './refusal.js';

/** Where a database runs: in this process in memory, in this process on disk, or on a server. */
export type Mode = 'in-memory' | 'embedded' | 'local';

/** Whether a database is on a server, one or several. */
export function isServer(mode: Mode | 'remote'): boolean {
  return mode === 'local' || mode === 'remote';
}

/** A validated address, in the form that the connection uses. */
export interface Address {
  readonly mode: Mode;
  readonly url: string;
}

const spellings: Record<Mode, string> = {
  'in-memory': '"mem://"',
  embedded: '"rocksdb://<path>" or "surrealkv://<path>"',
  local: '"ws://<host>:<port>" or "wss://<host>"',
};

const modesInWords: Record<Mode, string> = {
  'in-memory': "{ type: 'in-memory' }",
  embedded: "{ type: 'embedded', path }",
  local: "{ type: 'local', endpoint }",
};

const anySpelling = `${spellings.local} for a server, ${spellings.embedded} for a database on disk, "mem://" for one in memory`;

/**
 * Reads an address of any mode, or only of the mode that is allowed there.
 * @param signIn the option for the user, which does not belong in an address
 */
export function readAddress(
  value: unknown,
  mode?: Mode,
  signIn = 'credentials: { username, password }',
): Address | Refusal {
  const allowed = mode === undefined ? anySpelling : spellings[mode];
  if (typeof value !== 'string' || value === '') return new Refusal(allowed, describe(value));

  const [prefix, scheme] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(value) ?? [];
  if (prefix === undefined || scheme === undefined) {
    return new Refusal(allowed, 'a text that does not begin with a scheme such as "ws://"');
  }
  const address = readWithScheme(value, scheme.toLowerCase(), value.slice(prefix.length), { allowed, signIn });
  if (address instanceof Refusal || mode === undefined || address.mode === mode) return address;
  return new Refusal(`${allowed}; for that address use ${modesInWords[address.mode]}`, inShort(scheme));
}

/**
 * Reads the address of a server, one of several: a database inside this process is always the only one.
 * It is read in the form in which two that mean the same are the same text.
 */
export function readServer(value: unknown): string | Refusal {
  const allowed = spellings.local;
  if (typeof value !== 'string' || value === '') return new Refusal(allowed, describe(value));
  const address = readAddress(value);
  if (address instanceof Refusal) return address;
  if (address.mode === 'local') return address.url;
  return new Refusal(
    `${allowed}; a database inside this process has one address and stands in no list`,
    inShort(address.url.split(':', 1)[0] ?? ''),
  );
}

/** The names under which a process reaches its own machine; `localhost` stands for both others. */
const ownMachine = /^(?:localhost\.?|127\.0\.0\.1|\[::1\])$/;

/** What tells one server from others, whichever way the address of this machine is written. The scheme does not. */
export function serverOf(url: string): string {
  const { protocol, hostname, port, pathname, search } = new URL(url);
  const host = ownMachine.test(hostname) ? 'localhost' : hostname;
  return `${host}:${port || (protocol === 'wss:' ? 443 : 80)}${pathname}${search}`;
}

/** The words for a refusal. */
interface Advice {
  readonly allowed: string;
  readonly signIn: string;
}

function readWithScheme(text: string, scheme: string, rest: string, advice: Advice): Address | Refusal {
  switch (scheme) {
    case 'ws':
    case 'wss':
      return readServerAddress(text, scheme, advice.signIn);
    case 'rocksdb':
    case 'surrealkv':
      if (rest === '') return new Refusal(spellings.embedded, `${inShort(scheme)} without a path`);
      return { mode: 'embedded', url: `${scheme}://${rest}` };
    case 'mem':
      if (rest !== '') return new Refusal(spellings['in-memory'], `${inShort(scheme)} with something behind it`);
      return { mode: 'in-memory', url: 'mem://' };
    case 'http':
    case 'https':
      return new Refusal(
        `${spellings.local}. The HTTP engine of SurrealDB before 3.1 shares one mutable session between requests ` +
          '(GHSA-4vgr-h27g-cf9p), and has no sessions, transactions or live queries',
        inShort(scheme),
      );
    case 'surrealkv+versioned':
      return new Refusal(
        `${spellings.embedded}. The embedded engine lists surrealkv+versioned, but cannot open it`,
        inShort(scheme),
      );
    default:
      return new Refusal(advice.allowed, inShort(scheme));
  }
}

function readServerAddress(text: string, scheme: string, signIn: string): Address | Refusal {
  if (!URL.canParse(text)) return new Refusal(spellings.local, `${inShort(scheme)} with no valid host and port`);
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') {
    return new Refusal(
      `${spellings.local} alone; who signs in belongs in ${signIn}`,
      `${inShort(scheme)} with a user in it`,
    );
  }
  if (url.hostname.includes(',')) {
    return new Refusal(`${spellings.local}; several addresses are a list`, `${inShort(scheme)} with a "," in its host`);
  }
  if (url.hash !== '') return new Refusal(`${spellings.local} without "#"`, `${inShort(scheme)} with a "#" in it`);
  if (url.pathname === '' || url.pathname === '/') url.pathname = '/rpc';
  return { mode: 'local', url: url.href };
}

/** Shows only the scheme: every other part of an address may contain a password, above all a misspelled one. */
function inShort(scheme: string): string {
  return `"${scheme}://…"`;
}

/** An address without its query string, which may be secret. */
export function withoutQuery(url: string): string {
  return url.split('?')[0] ?? url;
}
