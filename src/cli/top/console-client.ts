import { onAbort } from '../../time/on-abort.js';
import { type ReadMessage, readMessage } from './console-message.js';
import { visible } from './terminal-text.js';

/** Where a live page is. */
export interface ConsoleAddress {
  /** Of the page: `http://127.0.0.1:8010`. */
  readonly page: URL;
  readonly token: string | undefined;
}

/** A live page that cannot be read, in words that say what to do. */
export class UnreadableConsole extends Error {}

/** How long a server may take to begin its answer, in milliseconds. */
const patience = 5_000;
/** How much later than announced a snapshot may come, in milliseconds. */
const lateness = 5_000;
/** A longer message is no snapshot: one of 1,000 connections has about a tenth of that, in characters. */
const longestMessage = 16 * 1024 * 1024;
const longestRefusal = 300;

/**
 * The snapshots of a pool, as the server sends them. Returns when `signal` is aborted.
 *
 * @param pool its name; undefined for the first
 * @throws UnreadableConsole when they cannot be read, or come no more
 */
export async function* snapshots(
  { page, token }: ConsoleAddress,
  pool: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<ReadMessage, void> {
  const end = new AbortController();
  const leave = (): void => end.abort();
  const forgetSignal = onAbort(signal, leave);
  // Every message puts it off.
  let silence = setTimeout(leave, patience);
  try {
    const response = await answerOf(eventsAt(page, pool), token, end.signal);
    const reader = new EventReader();
    for await (const chunk of response) {
      for (const data of reader.read(chunk)) {
        const read = readMessage(data);
        if (typeof read === 'string') {
          throw new UnreadableConsole(`${shown(page)} sends what this version of surreal-pool cannot read: ${read}`);
        }
        clearTimeout(silence);
        silence = setTimeout(leave, read.message.next + lateness);
        yield read;
      }
    }
    if (!signal.aborted) throw new UnreadableConsole(`${shown(page)} has ended the connection`);
  } catch (error) {
    if (signal.aborted) return;
    if (error instanceof UnreadableConsole) throw error;
    const why = end.signal.aborted ? 'it does not answer' : causeOf(error);
    throw new UnreadableConsole(`${shown(page)} cannot be reached: ${why}`);
  } finally {
    clearTimeout(silence);
    forgetSignal();
    end.abort();
  }
}

/** The address without user, password and query string. */
export function shown({ origin, pathname }: URL): string {
  return visible(pathname === '/' ? origin : `${origin}${pathname}`);
}

function eventsAt(page: URL, pool: string | undefined): URL {
  const events = new URL(page);
  events.pathname = `${page.pathname.replace(/\/+$/, '')}/events`;
  events.search = pool === undefined ? '' : `?${new URLSearchParams({ pool })}`;
  return events;
}

/** The body of an answer that is a stream of events. */
async function answerOf(url: URL, token: string | undefined, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
  const headers = {
    accept: 'text/event-stream',
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  };
  // A redirection could take the token elsewhere.
  const response = await fetch(url, { headers, signal, redirect: 'manual' });
  const type = response.headers.get('content-type') ?? 'no type';
  const { body, status } = response;
  if (response.ok && /^text\/event-stream\b/i.test(type) && body !== null) return body;
  const page = new URL(url);
  page.pathname = url.pathname.replace(/\/events$/, '');
  throw new UnreadableConsole(await refusal(shown(page), status, type, response, token));
}

/** What an answer that is no stream of events means. */
async function refusal(
  page: string,
  status: number,
  type: string,
  response: Response,
  token: string | undefined,
): Promise<string> {
  const says = /^text\/plain\b/i.test(type) ? await beginningOf(response) : '';
  const words = says === '' ? '' : `: ${says}`;
  if (status === 401) {
    const advice =
      token === undefined
        ? 'give --token or SURREAL_POOL_CONSOLE_TOKEN'
        : 'give another --token or SURREAL_POOL_CONSOLE_TOKEN';
    return `${page} refuses (401)${words}; ${advice}`;
  }
  if (status === 403 || status === 429) return `${page} refuses (${status})${words}`;
  if (status >= 300 && status < 400) {
    return `${page} sends elsewhere (${status}), where a token is not sent: give the address itself`;
  }
  return `${page} is not the live page of a pool: it answered ${status} with ${visible(type)}; give the address of a consoleHandler()`;
}

async function beginningOf(response: Response): Promise<string> {
  try {
    const text = visible((await response.text()).trim());
    return text.length > longestRefusal ? `${text.slice(0, longestRefusal)}…` : text;
  } catch {
    return '';
  }
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (!(cause instanceof Error)) return visible(error.message);
  const { code } = cause as NodeJS.ErrnoException;
  if (code === 'ECONNREFUSED') return 'nothing listens there';
  // One of several attempts has no message of its own.
  return visible(cause.message === '' ? (code ?? error.message) : cause.message);
}

/** Takes the data of server-sent events from parts of a stream. */
class EventReader {
  readonly #decoder = new TextDecoder();
  #rest = '';

  *read(chunk: Uint8Array): Generator<string> {
    // Searched only where something new is, since a long message comes in many parts.
    const searched = Math.max(0, this.#rest.length - 3);
    this.#rest += this.#decoder.decode(chunk, { stream: true });
    const end = /\r?\n\r?\n/g;
    end.lastIndex = searched;
    let begin = 0;
    for (let found = end.exec(this.#rest); found !== null; found = end.exec(this.#rest)) {
      const data = dataOf(this.#rest.slice(begin, found.index));
      begin = end.lastIndex;
      if (data !== '') yield data;
    }
    this.#rest = this.#rest.slice(begin);
    if (this.#rest.length > longestMessage) throw new UnreadableConsole('a message has no end');
  }
}

function dataOf(event: string): string {
  return event
    .split(/\r?\n/)
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice('data:'.length).replace(/^ /, ''))
    .join('\n');
}
