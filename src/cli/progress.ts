import { type AgentsAtWork, agentsAtWorkText } from './agent-text.js';
import { formatDuration, formatRate, formatRoundDuration, shorten } from './formats.js';

/** The run at one moment, and since the last update. Times are in milliseconds. */
export interface Progress {
  readonly elapsed: number;
  /** The planned duration; null when only `operations` limits the run. */
  readonly duration: number | null;
  /** The planned number of operations; null for no limit. */
  readonly operations: number | null;
  /** Operations that ended. */
  readonly ended: number;
  /** Operations per second that succeeded since the last update. */
  readonly rate: number;
  readonly used: number;
  readonly maxConnections: number;
  readonly waiting: number;
  readonly oldestWaiter: number;
  /** The latency at p99 since the last update. */
  readonly p99: number;
  readonly errors: number;
  readonly errorsInAll: number;
  /** Set when agents share the workers. */
  readonly agents?: AgentsAtWork | undefined;
  /** What happened to the servers, and what the pool makes of them. Set when the run has servers of its own. */
  readonly servers?: string | undefined;
}

/** For logs and files: one line that is easy to search and parse. */
export function progressLine(progress: Progress): string {
  const { elapsed, rate, used, maxConnections, waiting, oldestWaiter, p99, errors } = progress;
  return [
    `progress: ${(elapsed / 1_000).toFixed(1)} s`,
    `${rate.toFixed(1)} ops/s`,
    `used ${used}/${maxConnections}`,
    `waiting ${waiting}`,
    `oldest ${oldestWaiter.toFixed(0)} ms`,
    `p99 ${p99.toFixed(1)} ms`,
    `${errors} errors`,
    ...(progress.agents === undefined ? [] : [agentsAtWorkText(progress.agents).replaceAll('  ', ', ')]),
    ...(progress.servers === undefined ? [] : [progress.servers]),
  ].join(', ');
}

/** For a terminal: a bar, and below it the figures; with agents also a line about them, however many they are. */
export function progressScreen(progress: Progress, columns: number): string[] {
  const { elapsed, duration, operations, ended, rate, used, maxConnections, waiting, oldestWaiter, p99, errorsInAll } =
    progress;
  const oldest = waiting === 0 ? '' : ` (oldest ${formatDuration(oldestWaiter)})`;
  const line = [
    formatRoundDuration(Math.round(elapsed / 1_000) * 1_000) +
      (duration === null ? '' : `/${formatRoundDuration(duration)}`),
    ...(operations === null ? [] : [`${formatRate(ended)}/${formatRate(operations)} op`]),
    `${formatRate(rate)} op/s`,
    `used ${used}/${maxConnections}`,
    `wait ${waiting}${oldest}`,
    `p99 ${formatDuration(p99)}`,
    `err ${errorsInAll}`,
  ].join('  ');
  // A terminal that does not know its width reports 0.
  const space = Math.min(columns || 80, 80) - 1;
  const share = Math.max(duration === null ? 0 : elapsed / duration, operations === null ? 0 : ended / operations);
  const done = Math.round(Math.min(share, 1) * space);
  const agents = progress.agents === undefined ? [] : [shorten(agentsAtWorkText(progress.agents), space)];
  const servers = progress.servers === undefined ? [] : [shorten(progress.servers, space)];
  return ['█'.repeat(done) + '░'.repeat(space - done), shorten(line, space), ...agents, ...servers];
}

/** Where progress is shown. */
export interface ProgressDisplay {
  /** Whether it is refreshed in place; otherwise each update is a line, and `say()` shows nothing. */
  readonly isRefreshed: boolean;
  /** Shows what is being done before or after the load. */
  say(text: string): void;
  show(progress: Progress): void;
  /** Clears the display for the next output. */
  clear(): void;
}

/** Refreshed in place on a terminal that can do that, otherwise line after line. */
export function progressDisplay(stream: NodeJS.WriteStream, terminal: string | undefined): ProgressDisplay {
  return stream.isTTY && terminal !== 'dumb' ? terminalDisplay(stream) : lineDisplay(stream);
}

function lineDisplay(stream: NodeJS.WriteStream): ProgressDisplay {
  return {
    isRefreshed: false,
    say() {},
    show: (progress) => stream.write(`${progressLine(progress)}\n`),
    clear() {},
  };
}

function terminalDisplay(stream: NodeJS.WriteStream): ProgressDisplay {
  const clearBelow = '\u001b[J';
  let shown = 0;
  const draw = (lines: readonly string[]): void => {
    const toStart = shown === 0 ? '\r' : `\r\u001b[${shown}A`;
    stream.write(toStart + clearBelow + lines.map((line) => `${line}\n`).join(''));
    shown = lines.length;
  };
  return {
    isRefreshed: true,
    say: (text) => draw([shorten(text, (stream.columns || 80) - 1)]),
    show: (progress) => draw(progressScreen(progress, stream.columns)),
    clear: () => draw([]),
  };
}
