import type { HistogramSummary } from '../pool/histogram.js';
import { agentLines } from './agent-text.js';
import type { AssertionResult } from './assertions.js';
import type { Step } from './distribution.js';
import {
  formatCount,
  formatDuration,
  formatNumber,
  formatPercent,
  formatRoundDuration,
  shorten,
  wrap,
} from './formats.js';
import type { EndpointFigures } from './load-figures.js';
import type { LoadReport } from './load-report.js';
import { messagesText } from './message-figures.js';
import type { Paint } from './output.js';
import { sparkline } from './sparkline.js';

/** The widest report: longer lines are hard to read. */
const mostColumns = 120;
const leastColumns = 40;
/** With fewer columns the chart is below the table, and lines are broken instead of cut. */
const columnsForBoth = 80;
/** One line less than a terminal has, for the prompt that follows. */
const height = 23;
const mostErrorLines = 3;

/** The report as text, most important first. In 80 columns or more it has at most 23 lines, and those of the agents. */
export function reportText(report: LoadReport, paint: Paint, columns: number = columnsForBoth): string {
  const width = Math.max(leastColumns, Math.min(columns, mostColumns));
  const isNarrow = width < columnsForBoth;
  const table = timesTable(report);
  const chart = latencyChart(report.latencyDistribution);
  const verdict = wrap(report.verdict.sentence, width).map((line) => paint('bold', line));
  const figures = [
    ...summary(report, width),
    '',
    ...(isNarrow ? [...table, '', ...chart.map((line) => line.slice(chartMargin))] : beside(table, chart)),
    '',
    ...connections(report, width),
  ];
  const room = isNarrow ? Number.POSITIVE_INFINITY : height - verdict.length - 1 - figures.length;
  const hasAssertions = report.assertions.length > 0;
  const errorLines = errors(report, Math.min(mostErrorLines, room - (hasAssertions ? 2 : 0)), paint, width);
  const assertions = hasAssertions
    ? [...assertionLines(report.assertions, room - errorLines.length - 1, paint, width), '']
    : [];
  const agents = agentLines(report, rowsOf(width, true), width);
  const ofAgents = agents.length === 0 ? [] : ['', ...agents];
  return `${[...verdict, '', ...assertions, ...figures, ...errorLines, ...ofAgents].join('\n')}\n`;
}

/** One line for each assertion; failed ones come first if there is no room for all. */
export function assertionLines(
  results: readonly AssertionResult[],
  room: number,
  paint: Paint,
  columns: number = columnsForBoth,
): string[] {
  const fits = results.length <= room;
  const sorted = fits ? results : [...results].sort((one, other) => Number(one.passed) - Number(other.passed));
  const shown = fits ? sorted : sorted.slice(0, room - 1);
  const textWidth = Math.min(columns - 30, Math.max(...shown.map(({ text }) => text.length)));
  const lines = shown.map((result) => {
    const mark = result.passed ? paint('green', '✓') : paint('red', '✗');
    return `  ${mark} ${shorten(result.text, textWidth).padEnd(textWidth)}  ${actualText(result)}`;
  });
  if (fits) return lines;
  const rest = sorted.slice(shown.length);
  const failed = rest.filter(({ passed }) => !passed).length;
  return [...lines, `  … ${rest.length} more, ${failed === 0 ? 'all ✓' : `${failed} of them ✗`}`];
}

function actualText({ actual, unit }: AssertionResult): string {
  if (actual === null) return 'nothing was measured';
  switch (unit) {
    case 'ms':
      return formatDuration(actual);
    case 'percent':
      return formatPercent(actual);
    case 'count':
      return formatCount(actual);
    case 'per second':
      return `${formatCount(actual)} per second`;
  }
}

function summary({ load, operations, elapsed, throughput }: LoadReport, width: number): string[] {
  const { endpoint, namespace, database, workers, rate, mix, singleCalls } = load;
  const row = rowsOf(width);
  const { total, reads, writes, errors, unfinished, dropped } = operations;
  const demand = rate === null ? formatNumber(workers ?? 0, 'worker') : `${formatCount(rate)} operations a second`;
  const how = singleCalls ? `${demand} with single calls` : demand;
  const what =
    mix === null
      ? (load.statements ?? []).map(({ name }) => name).join(', ')
      : `${formatPercent((100 * mix.read) / (mix.read + mix.write))} reads`;
  const counts = [formatNumber(reads, 'read'), formatNumber(writes, 'write'), formatNumber(errors, 'error')].join(', ');
  const rates = `${formatCount(throughput.mean)}/s, slowest second ${formatCount(throughput.slowestSecond)}`;
  const notDone = `and ${formatCount(unfinished)} not finished, ${formatCount(dropped)} dropped before they began`;
  return [
    ...row('load', `${how}, ${what}, on ${endpoint} ${namespace}/${database}`),
    ...row('operations', `${formatCount(total)} in ${formatDuration(elapsed)}: ${counts}`),
    ...(unfinished + dropped > 0 ? row('', notDone) : []),
    ...row('throughput', `${rates}  ${sparkline(throughput.perSecond)}`),
  ];
}

const labelWidth = 13;

/** A line with a label; cut if too long, in few columns broken instead. */
function rowsOf(width: number, isBroken = width < columnsForBoth): (label: string, text: string) => string[] {
  return (label, text) => {
    const lines = isBroken ? wrap(text, width - labelWidth) : [text];
    return lines.map((line, index) =>
      shorten(`${(index === 0 ? label : '').padEnd(labelWidth)}${line}`, width).trimEnd(),
    );
  };
}

const percentiles = ['p50', 'p90', 'p99', 'max', 'mean'] as const;

function timesTable({ wait, query, latency, queryAlone }: LoadReport): string[] {
  const cells = (label: string, ...texts: string[]): string =>
    (label.padEnd(labelWidth - 3) + texts.map((text) => text.padStart(9)).join('')).trimEnd();
  return [
    cells('', 'wait', 'query', 'latency'),
    ...percentiles.map((name) => cells(name, ...[wait, query, latency].map((time) => timeIn(time, name)))),
    cells('alone', '', formatDuration(queryAlone), ''),
  ];
}

/** The time, or a dash when it was never measured. */
function timeIn(summary: HistogramSummary, name: (typeof percentiles)[number]): string {
  return summary.count === 0 ? '–' : formatDuration(summary[name]);
}

const chartBar = 18;
/** Blanks before the chart, beside the table. */
const chartMargin = 3;

function latencyChart(steps: readonly Step[]): string[] {
  const total = steps.reduce((sum, { count }) => sum + count, 0);
  const most = Math.max(...steps.map(({ count }) => count), 1);
  return [
    '    latency',
    ...steps.map(({ upTo, count }) => {
      const label = `≤ ${formatRoundDuration(upTo)}`.padStart(11);
      return `${label} ${bar(count / most, chartBar)} ${formatPercent((100 * count) / total).padStart(7)}`;
    }),
  ];
}

function beside(left: readonly string[], right: readonly string[]): string[] {
  const column = Math.max(...left.map((line) => line.length)) + 3;
  return left.map((line, index) => `${line.padEnd(column)}${right[index] ?? ''}`.trimEnd());
}

function connections({ pool }: LoadReport, width: number): string[] {
  const row = rowsOf(width);
  const { calls, callsPerMessage } = pool.messages;
  const failed = pool.openFailed === 0 ? '' : `, ${formatCount(pool.openFailed)} could not be opened`;
  const reasons = Object.entries(pool.closedBy).map(([reason, count]) => `${formatCount(count)} ${reason}`);
  const closed = pool.closed === 0 ? 'none' : `${formatCount(pool.closed)}: ${reasons.join(', ')}`;
  return [
    ...row(
      'connections',
      `${formatCount(pool.opened)} opened${failed}, at most ${formatCount(pool.maxConnections)} at a time`,
    ),
    ...row('closed', closed),
    ...(pool.endpoints.length > 1 ? row('servers', pool.endpoints.map(serverText).join(', ')) : []),
    ...(callsPerMessage === null ? [] : row('messages', messagesText(calls, callsPerMessage))),
    ...row('reuse', `${formatPercent(pool.reuse)} of all acquires got a connection that was there before`),
  ];
}

function serverText({ url, state, connections }: EndpointFigures): string {
  return `${formatCount(connections)} at ${new URL(url).host}${state === 'well' ? '' : ` (${state})`}`;
}

/** A line for each class of errors with the message of the first; classes without room share the last line. */
function errors(report: LoadReport, room: number, paint: Paint, width: number): string[] {
  const row = rowsOf(width);
  const classes = Object.entries(report.errors);
  if (classes.length === 0) return row('errors', 'none');
  const alone = classes.length <= room ? classes.length : room - 1;
  const lines = classes
    .slice(0, alone)
    .map(([name, { count, message }]) => `${formatCount(count)} ${name}: ${message.replace(/\s+/g, ' ')}`);
  const together = classes.slice(alone).map(([name, { count }]) => `${formatCount(count)} ${name}`);
  if (together.length > 0) lines.push(together.join(', '));
  return lines.flatMap((line, index) => row(index === 0 ? 'errors' : '', line)).map((line) => paint('red', line));
}

const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A bar that fills this share of its space, to an eighth of a character. */
function bar(share: number, space: number): string {
  const length = Math.round(share * space * 8);
  const text = '█'.repeat(Math.floor(length / 8)) + (eighths[length % 8] ?? '');
  return (text === '' && share > 0 ? '▏' : text).padEnd(space);
}
