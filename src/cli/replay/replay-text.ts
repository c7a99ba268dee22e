import type { HistogramSummary } from '../../pool/histogram.js';
import { formatCount, formatDuration, formatNumber, formatPercent, wrap } from '../formats.js';
import type { Paint } from '../output.js';
import { assertionLines } from '../report-text.js';
import type { RecordedFigures } from './replay-plan.js';
import { type ReplayReport, timesText } from './replay-report.js';

const mostColumns = 100;
const labelWidth = 13;

/** The report as text: first the verdict. */
export function replayText(report: ReplayReport, paint: Paint, columns = 80): string {
  const width = Math.min(columns, mostColumns);
  const row = rowsOf(width);
  const { verdict, assertions, operations, elapsed, calls, recorded, replay, pool, late, errors } = report;
  const notDone = operations.unfinished === 0 ? '' : `, ${formatCount(operations.unfinished)} not finished`;
  return [
    ...wrap(verdict.sentence, width).map((line) => paint('bold', line)),
    '',
    ...(assertions.length === 0 ? [] : [...assertionLines(assertions, assertions.length, paint, width), '']),
    ...row('recorded', recordedText(recorded)),
    ...row(
      'replayed',
      `${formatNumber(operations.total, 'unit')} with ${formatNumber(calls, 'call')} in ${formatDuration(elapsed)}, at ${timesText(replay.speed)} the recorded load, on ${replay.endpoint}: ${formatNumber(operations.errors, 'error')}${notDone}`,
    ),
    ...row('late', `${formatDuration(late.p99)} at p99, by the timers of this process`),
    '',
    ...timesTable(report),
    '',
    ...row(
      'connections',
      `${formatCount(pool.maxConnections)} at most, ${formatCount(report.mostLent)} lent at a time at most, ${formatPercent(report.used)} of their time`,
    ),
    ...row(
      'errors',
      Object.entries(errors)
        .map(([name, { count, message }]) => `${formatCount(count)} ${name}: ${message.replace(/\s+/g, ' ')}`)
        .join('; ') || 'none',
    ),
    '',
  ].join('\n');
}

/** What a recording holds, in one line. */
export function recordedText(recorded: RecordedFigures): string {
  const { units, calls, kinds, duration, identities, agents, unserved, lost, isWhole, maxConnections, wait } = recorded;
  return [
    `${formatNumber(units, 'unit')} (${formatNumber(kinds.call, 'call')}, ${formatNumber(kinds.lease, 'lease')}, ${formatNumber(kinds.transaction, 'transaction')}) with ${formatNumber(calls, 'call')} in ${formatDuration(duration)} from ${recorded.startedAt}`,
    `${formatNumber(identities, 'identity').replace(/identitys$/, 'identities')}${agents === 0 ? '' : ` and ${formatNumber(agents, 'agent')}`}, with ${formatNumber(maxConnections, 'connection')} at most and waits of ${formatDuration(wait.p99)} at p99`,
    ...(unserved === 0 ? [] : [`${formatNumber(unserved, 'unit')} got no connection`]),
    ...(lost === 0 ? [] : [`${formatNumber(lost, 'unit')} lost by a slow disk`]),
    ...(isWhole ? [] : ['the process ended by force']),
  ].join('; ');
}

const percentiles = ['p50', 'p90', 'p99', 'max', 'mean'] as const;

function timesTable({ wait, query, latency, recorded }: ReplayReport): string[] {
  const cells = (label: string, ...texts: string[]): string =>
    (label.padEnd(labelWidth - 3) + texts.map((text) => text.padStart(14)).join('')).trimEnd();
  const time = (summary: HistogramSummary, name: (typeof percentiles)[number]): string =>
    summary.count === 0 ? '–' : formatDuration(summary[name]);
  return [
    cells('', 'recorded wait', 'wait', 'held', 'latency'),
    ...percentiles.map((name) =>
      cells(name, time(recorded.wait, name), time(wait, name), time(query, name), time(latency, name)),
    ),
  ];
}

function rowsOf(width: number): (label: string, text: string) => string[] {
  return (label, text) =>
    wrap(text, width - labelWidth).map((line, index) =>
      `${(index === 0 ? label : '').padEnd(labelWidth)}${line}`.trimEnd(),
    );
}
