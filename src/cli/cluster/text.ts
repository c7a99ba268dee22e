import { formatCount, formatDuration, formatNumber, formatRoundDuration, shorten, wrap } from '../formats.js';
import type { Paint } from '../output.js';
import { sparkline } from '../sparkline.js';
import type { PartFigures } from './calls.js';
import type { ClusterReport } from './report.js';

/** Of a part of the run, and of a server. */
const titleWidth = 18;
const labelWidth = 13;
/** Characters for the queries over time. */
const chartWidth = 40;
/** With fewer columns lines are broken, and the chart of a server is below its numbers. */
const columnsForAll = 80;

const legend =
  'whole: the last caller who noticed anything had an answer; shared: each server had its connections again';

/** The report as text, most important first. */
export function clusterText(report: ClusterReport, paint: Paint, columns: number = columnsForAll): string {
  const width = Math.max(40, Math.min(columns, 120));
  const isNarrow = width < columnsForAll;
  return `${[
    ...wrap(verdict(report), width).map((line) => paint('bold', line)),
    '',
    ...expectations(report, paint, width, isNarrow),
    '',
    ...(isNarrow ? report.parts.flatMap((part) => partInFewColumns(part, width)) : partsTable(report.parts)),
    ...wrap(legend, width).map((line) => paint('dim', line)),
    '',
    ...servers(report, isNarrow),
    '',
    ...rows('load', loadText(report), width),
    ...rows('pool', settingsText(report), width),
    ...errors(report, paint, width),
  ].join('\n')}\n`;
}

function verdict({ interrupted, servers, calls, failed, expectations, parts }: ClusterReport): string {
  const stopped = interrupted === null ? '' : `Stopped by ${interrupted}. `;
  const broken = expectations.filter(({ held }) => !held);
  const noticed = parts.reduce((sum, part) => sum + part.noticed, 0);
  const what = `${formatNumber(servers, 'server')}, one killed and one frozen`;
  const late = noticed - failed;
  const told = `${formatCount(failed)} of ${formatCount(calls)} calls failed, ${late === 0 ? 'none' : formatCount(late)} took noticeably longer`;
  const store =
    broken.length === 0 ? 'and no write was lost' : `and ${formatNumber(broken.length, 'expectation')} did not hold`;
  return `${stopped}${what}: ${told}, ${store}.`;
}

function expectations({ expectations }: ClusterReport, paint: Paint, width: number, isNarrow: boolean): string[] {
  const widest = Math.max(0, ...expectations.map(({ text }) => text.length));
  return expectations.flatMap(({ text, actual, held }) => {
    const mark = held ? paint('green', '✓') : paint('red', '✗');
    if (!isNarrow) return `  ${mark} ${text.padEnd(widest)}  ${actual}`;
    const [first = '', ...rest] = wrap(`${text}: ${actual}`, width - 4);
    return [`  ${mark} ${first}`, ...rest.map((line) => `    ${line}`)];
  });
}

/** Nothing, where there is nothing to tell. */
function orDash(duration: number | null): string {
  return duration === null || duration === 0 ? '–' : formatDuration(duration);
}

function partsTable(parts: readonly PartFigures[]): string[] {
  const row = (title: string, ...cells: string[]): string =>
    title.padEnd(titleWidth) + cells.map((cell) => cell.padStart(10)).join('');
  return [
    row('', 'calls', 'failed', 'p99', 'longest', 'whole', 'shared'),
    ...parts.map(({ title, calls, failed, p99, longest, noticedUntil, sharedAfter }) =>
      row(
        title,
        formatCount(calls),
        formatCount(failed),
        formatDuration(p99),
        formatDuration(longest),
        orDash(noticedUntil),
        orDash(sharedAfter),
      ),
    ),
  ];
}

function partInFewColumns(part: PartFigures, width: number): string[] {
  const { title, calls, failed, p99, longest, noticedUntil, sharedAfter } = part;
  const whole = noticedUntil === 0 ? '' : `, whole after ${formatDuration(noticedUntil)}`;
  const until = sharedAfter === null ? whole : `${whole}, shared after ${formatDuration(sharedAfter)}`;
  const text = `${formatNumber(calls, 'call')}, ${formatCount(failed)} failed, p99 ${formatDuration(p99)}, longest ${formatDuration(longest)}${until}`;
  return [title, ...wrap(text, width - 2).map((line) => `  ${line}`)];
}

/** For each server a chart of its queries, and its connections at the end of each part. */
function servers({ samples, parts, servers: count }: ClusterReport, isNarrow: boolean): string[] {
  const ends = parts.map((_, index) => parts.slice(0, index + 1).reduce((sum, { lasted }) => sum + lasted, 0));
  const most = Math.max(1, ...samples.flatMap(({ servers }) => servers.map(({ queries }) => queries)));
  const lines = Array.from({ length: count }, (_, server) => {
    const chart = sparkline(
      samples.map(({ servers }) => servers[server]?.queries ?? 0),
      chartWidth,
      most,
    );
    const connections = ends.map((end) => samples.findLast(({ at }) => at <= end)?.servers[server]?.connections ?? 0);
    const numbers = connections.map((number) => String(number).padStart(3)).join('');
    const label = `server ${server + 1}`;
    return isNarrow
      ? [`${label} ${numbers}`, `  ${chart}`]
      : [`${label.padEnd(titleWidth)}${chart.padEnd(chartWidth)}  ${numbers}`];
  });
  const title = 'connections by part';
  const head = isNarrow ? title : `${''.padEnd(titleWidth)}${'queries, over time'.padEnd(chartWidth)}  ${title}`;
  return [head, ...lines.flat()];
}

function loadText({ rate, workers, parts }: ClusterReport): string {
  const demand = rate === null ? formatNumber(workers ?? 0, 'worker') : `${formatCount(rate)} calls a second`;
  const time = formatDuration(parts.reduce((sum, { lasted }) => sum + lasted, 0));
  return `${demand} for ${time}: 60 % read, 30 % write, 10 % transactions`;
}

function settingsText({ maxConnections, settings }: ClusterReport): string {
  const { queryTimeout, balancing } = settings;
  const text = (milliseconds: number): string => formatRoundDuration(milliseconds);
  return `${formatNumber(maxConnections, 'connection')}, queryTimeout ${text(queryTimeout)}, slowStart ${text(balancing.slowStart)}, rebalanceInterval ${text(balancing.rebalanceInterval)}`;
}

function errors({ errors }: ClusterReport, paint: Paint, width: number): string[] {
  const classes = Object.entries(errors);
  if (classes.length === 0) return rows('errors', 'none', width);
  return classes.flatMap(([name, { count, message }], index) =>
    rows(
      index === 0 ? 'errors' : '',
      shorten(`${formatCount(count)} ${name}: ${message.replace(/\s+/g, ' ')}`, 3 * (width - labelWidth)),
      width,
    ).map((line) => paint('red', line)),
  );
}

function rows(label: string, text: string, width: number): string[] {
  return wrap(text, width - labelWidth).map((line, index) => `${(index === 0 ? label : '').padEnd(labelWidth)}${line}`);
}
