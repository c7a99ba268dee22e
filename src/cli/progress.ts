import { formatDuration, formatRate, formatRoundDuration, shorten } from './formats.js';

/** The run at one moment, and since the last look. Times are in milliseconds. */
export interface Progress {
  readonly elapsed: number;
  readonly duration: number;
  /** Operations per second that succeeded since the last look. */
  readonly rate: number;
  readonly used: number;
  readonly maxConnections: number;
  readonly waiting: number;
  readonly oldestWaiter: number;
  /** Of the latency since the last look. */
  readonly p99: number;
  readonly errors: number;
  readonly errorsInAll: number;
}

/** For logs and files: one line that is easy to search and to cut. */
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
  ].join(', ');
}

/** For a terminal: a bar, and under it the state of things. */
export function progressScreen(progress: Progress, columns: number): [bar: string, line: string] {
  const { elapsed, duration, rate, used, maxConnections, waiting, oldestWaiter, p99, errorsInAll } = progress;
  const oldest = waiting === 0 ? '' : ` (oldest ${formatDuration(oldestWaiter)})`;
  const line = [
    `${formatRoundDuration(Math.round(elapsed / 1_000) * 1_000)}/${formatRoundDuration(duration)}`,
    `${formatRate(rate)} op/s`,
    `used ${used}/${maxConnections}`,
    `wait ${waiting}${oldest}`,
    `p99 ${formatDuration(p99)}`,
    `err ${errorsInAll}`,
  ].join('  ');
  // A terminal that does not know its width says 0.
  const space = Math.min(columns || 80, 80) - 1;
  const done = Math.round(Math.min(elapsed / duration, 1) * space);
  return ['█'.repeat(done) + '░'.repeat(space - done), shorten(line, space)];
}

/** Where progress is shown. */
export interface ProgressDisplay {
  /** What is being done before or after the load. */
  say(text: string): void;
  show(progress: Progress): void;
  /** Makes room for what is printed next. */
  clear(): void;
}

/** Refreshed in place on a terminal, otherwise line after line. */
export function progressDisplay(stream: NodeJS.WriteStream): ProgressDisplay {
  return stream.isTTY ? terminalDisplay(stream) : lineDisplay(stream);
}

function lineDisplay(stream: NodeJS.WriteStream): ProgressDisplay {
  return {
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
    say: (text) => draw([text]),
    show: (progress) => draw(progressScreen(progress, stream.columns)),
    clear: () => draw([]),
  };
}
