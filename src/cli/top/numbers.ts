import type { ConsoleSnapshot, SnapshotFailures } from '../../console/index.js';
import { formatCount, formatDuration, formatRate } from '../formats.js';
import type { Style } from '../output.js';
import type { Line, Span } from './styled-line.js';
import { fitted } from './terminal-text.js';

interface Figure {
  readonly name: string;
  readonly value: string;
  readonly style: Style;
}

const failureNames = {
  timedOut: 'timed out',
  turnedAway: 'turned away',
  acquiresFailed: 'acquires failed',
  openingsFailed: 'openings failed',
  queriesFailed: 'queries failed',
  conflicts: 'conflicts',
} as const satisfies Partial<Record<keyof SnapshotFailures, string>>;

type FailureName = keyof typeof failureNames;

export function failuresIn(failures: SnapshotFailures): number {
  return (Object.keys(failureNames) as FailureName[]).reduce((sum, name) => sum + failures[name], 0);
}

/** The failures of the last minute in words; undefined for none. */
export function failureWords({ failures }: ConsoleSnapshot): string | undefined {
  if (failures === undefined) return undefined;
  const words = (Object.keys(failureNames) as FailureName[])
    .filter((name) => failures[name] > 0)
    .map((name) => `${formatCount(failures[name])} ${failureNames[name]}`);
  return words.length === 0 ? undefined : words.join(', ');
}

/** The six numbers of the live page. */
function figures({ connections, waiting, rates, waitTime, failures, verdict }: ConsoleSnapshot): Figure[] {
  const bad = (isBad: boolean): Style => (isBad ? 'red' : 'bold');
  const isHurt = waiting.callers > 0 && verdict.severity !== 'fine';
  return [
    { name: 'in use', value: `${formatCount(connections.leased)}/${formatCount(connections.limit)}`, style: 'bold' },
    { name: 'waiting', value: formatCount(waiting.callers), style: bad(isHurt) },
    {
      name: 'oldest wait',
      value: waiting.callers === 0 ? '–' : formatDuration(waiting.oldest),
      style: bad(isHurt && waiting.oldest >= 1_000),
    },
    { name: 'acquires', value: rates === undefined ? '–' : `${formatRate(rates.acquires)}/s`, style: 'bold' },
    { name: 'acquire p99', value: formatDuration(waitTime.p99), style: 'bold' },
    {
      name: 'failures',
      value: failures === undefined ? '–' : `${formatCount(failuresIn(failures))}/min`,
      style: bad(failures !== undefined && failures.timedOut + failures.turnedAway > 0),
    },
  ];
}

/** Below this width a number is beside its name, and there are fewer in a line. */
const enoughForSix = 78;

export function numberLines(snapshot: ConsoleSnapshot, columns: number): Line[] {
  const all = figures(snapshot);
  if (columns >= enoughForSix) {
    const width = Math.min(20, Math.floor(columns / all.length));
    return [
      all.map(({ name }): Span => ['dim', `${fitted(name, width - 1)} `]),
      all.map(({ value, style }): Span => [style, `${fitted(value, width - 1)} `]),
    ];
  }
  const inLine = columns >= 60 ? 3 : columns >= 36 ? 2 : 1;
  const width = Math.floor(columns / inLine);
  const rows: Line[] = [];
  for (let first = 0; first < all.length; first += inLine) {
    rows.push(
      all.slice(first, first + inLine).flatMap(({ name, value, style }): Span[] => {
        const label = `${name} `;
        return [
          ['dim', label],
          [style, fitted(value, Math.max(1, width - label.length))],
        ];
      }),
    );
  }
  return rows;
}
