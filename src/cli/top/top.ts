import { setTimeout as sleep } from 'node:timers/promises';
import { exitCodeOf, firstInterruption, type Interruption } from '../interruption.js';
import { columnsOf, paintFor, plain, print } from '../output.js';
import { shown, snapshots, UnreadableConsole } from './console-client.js';
import type { ReadMessage } from './console-message.js';
import { LiveTop } from './live-top.js';
import { lostLine, topLine } from './top-line.js';
import { readTopOptions, type TopOptions, topHelp } from './top-options.js';
import { topScreen } from './top-screen.js';

/** `surreal-pool top`. Returns the exit code. */
export async function top(parameters: readonly string[]): Promise<number> {
  const options = readTopOptions(parameters, process.env);
  if (options === undefined) return await print(topHelp(columnsOf(process.stdout)));
  const interruption = firstInterruption();
  if (options.once || options.json) return await topOnce(options, interruption);
  const isTerminal = process.stdout.isTTY && process.env.TERM !== 'dumb';
  return isTerminal ? await topOnTerminal(options, interruption) : await topInLines(options, interruption);
}

/** How long a first snapshot waits for a second at most, in milliseconds: rates are known only between two. */
const patienceForRates = 5_000;
/** How late the second may be, in milliseconds. */
const lateness = 500;

/** One screen, or one snapshot. Returns the exit code. */
async function topOnce(options: TopOptions, interruption: Promise<Interruption>): Promise<number> {
  const end = new AbortController();
  const stopped = interruption.then((signal) => {
    end.abort();
    return signal;
  });
  const found = await Promise.race([oneMessage(options, end), stopped]);
  if (typeof found === 'string') return exitCodeOf(found);
  const { message, given } = found;
  if (options.json) return await print(`${withoutCodes(JSON.stringify(given, undefined, 2))}\n`);
  const view = {
    ...{ message, source: shown(options.page), lost: undefined, frozen: false },
    ...({ order: 'held', scrolled: 0, keys: false } as const),
  };
  const size = { columns: columnsOf(process.stdout), rows: undefined };
  return await print(
    `${topScreen(view, size, plain)
      .map((line) => line.trimEnd())
      .join('\n')}\n`,
  );
}

async function oneMessage(options: TopOptions, end: AbortController): Promise<ReadMessage> {
  let found: ReadMessage | undefined;
  let timer: NodeJS.Timeout | undefined;
  try {
    for await (const read of snapshots(options, options.pool, end.signal)) {
      requirePool(read, options);
      found = read;
      if (read.message.snapshot?.rates !== undefined) break;
      timer ??= setTimeout(() => end.abort(), Math.min(patienceForRates, read.message.next + lateness));
    }
  } finally {
    clearTimeout(timer);
    end.abort();
  }
  if (found === undefined) throw new UnreadableConsole(`${shown(options.page)} sent no snapshot`);
  return found;
}

/** @throws UnreadableConsole when there is no such pool */
function requirePool({ message: { snapshot, pools } }: ReadMessage, { page, pool }: TopOptions): void {
  if (snapshot !== undefined) return;
  const names = pools.map(({ name }) => JSON.stringify(name)).join(', ');
  throw new UnreadableConsole(
    pool === undefined || pools.length === 0
      ? `${shown(page)} has no pool now`
      : `${shown(page)} has no pool ${JSON.stringify(pool)}; it has ${names}: give --pool`,
  );
}

/** JSON may hold them as they are: a terminal takes some of them for the beginning of a code. */
function withoutCodes(json: string): string {
  return json.replace(
    /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Returns the exit code. */
async function topInLines(options: TopOptions, interruption: Promise<Interruption>): Promise<number> {
  const end = new AbortController();
  let code = 0;
  void interruption.then((signal) => {
    code = exitCodeOf(signal);
    end.abort();
  });
  // Whoever reads the lines has enough: `surreal-pool top | head -1`.
  process.stdout.on('error', () => end.abort());
  const write = (line: string): void => {
    process.stdout.write(`${line}\n`);
  };
  await follow(options, () => options.pool, end.signal, {
    show: ({ message: { snapshot } }) =>
      write(snapshot === undefined ? lostLine(Date.now(), 'the pool is not there') : topLine(snapshot)),
    lose: (_since, reason) => write(lostLine(Date.now(), reason)),
  });
  return code;
}

/** Returns the exit code. */
async function topOnTerminal(options: TopOptions, interruption: Promise<Interruption>): Promise<number> {
  const end = new AbortController();
  let code = 0;
  let pool = options.pool;
  let screen: LiveTop | undefined;
  let again = new AbortController();
  const stop = (signal: Interruption): void => {
    code = exitCodeOf(signal);
    end.abort();
  };
  void interruption.then(stop);
  const streams = { output: process.stdout, input: process.stdin };
  const open = (): LiveTop =>
    new LiveTop(options, streams, paintFor(process.stdout), {
      end: (by) => (by === 'interrupt' ? stop('SIGINT') : end.abort()),
      choosePool: (name) => {
        pool = name;
        again.abort();
      },
    });
  try {
    await follow(options, () => pool, end.signal, {
      show: ({ message }) => {
        // Only now: what is wrong at the beginning is said on the usual screen.
        screen ??= open();
        screen.show(message);
      },
      lose: (since, reason) => screen?.lose(since, reason),
      another: () => {
        again = new AbortController();
        return again.signal;
      },
    });
  } finally {
    screen?.close();
  }
  return code;
}

/** What is done with what comes. */
interface Follower {
  readonly show: (read: ReadMessage) => void;
  /** Nothing comes any more; called at each attempt that fails. */
  readonly lose: (since: number, reason: string) => void;
  /** A signal for each attempt, by which another pool is asked for. */
  readonly another?: () => AbortSignal;
}

/** Snapshots come a little early or late, in milliseconds. */
const jitter = 50;
/** The pause before an attempt to reach a server that is gone, in milliseconds; it doubles up to the longest. */
const firstPause = 500;
const longestPause = 5_000;

/**
 * Follows the snapshots, at most one each interval, and tries again when the server is gone.
 *
 * @throws UnreadableConsole when none came at all
 */
async function follow(
  options: TopOptions,
  pool: () => string | undefined,
  end: AbortSignal,
  { show, lose, another }: Follower,
): Promise<void> {
  let cameAt: number | undefined;
  /** When the next one is shown; what follows a loss or another choice is shown at once. */
  let due = 0;
  let pause = firstPause;
  while (!end.aborted) {
    const chosen = another?.();
    const either = chosen === undefined ? end : AbortSignal.any([end, chosen]);
    try {
      for await (const read of snapshots(options, pool(), either)) {
        if (cameAt === undefined) requirePool(read, { ...options, pool: pool() });
        cameAt = Date.now();
        pause = firstPause;
        const now = performance.now();
        if (now < due) continue;
        due = now + options.interval - jitter;
        show(read);
      }
    } catch (error) {
      if (cameAt === undefined || !(error instanceof UnreadableConsole)) throw error;
      lose(cameAt, error.message);
      await sleep(pause, undefined, { signal: end }).catch(() => {});
      pause = Math.min(longestPause, 2 * pause);
    }
    due = 0;
  }
}
