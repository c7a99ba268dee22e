import { formatCount, formatDuration, formatNumber, wrap } from './formats.js';
import { messagesText } from './message-figures.js';
import type { Paint } from './output.js';
import type { ScenarioReport } from './scenario-report.js';

const labelWidth = 13;

/** The report as a text: what had to hold comes first. */
export function scenarioText(report: ScenarioReport, paint: Paint, columns = 80): string {
  const { scenario, endpoint, expectations } = report;
  const broken = expectations.filter(({ held }) => !held).length;
  const verdict =
    broken === 0
      ? `${scenario}: as it should be.`
      : `${scenario}: ${formatNumber(broken, 'expectation')} of ${expectations.length} did not hold.`;
  const widest = Math.max(0, ...expectations.map(({ text }) => text.length));
  const isWide = columns >= 80;
  // Only few columns are a reason to break a line: an error is told in full.
  const row = (label: string, text: string): string[] =>
    (isWide ? [text] : wrap(text, columns - labelWidth)).map(
      (line, index) => (index === 0 ? label : '').padEnd(labelWidth) + line,
    );
  const { calls = 0, callsPerMessage = null } = report.messages ?? {};
  return [
    paint('bold', verdict),
    '',
    ...expectations.flatMap(({ text, actual, held }) => {
      const mark = held ? paint('green', '✓') : paint('red', '✗');
      if (isWide) return `  ${mark} ${text.padEnd(widest)}  ${actual}`;
      const [first = '', ...rest] = wrap(`${text}: ${actual}`, columns - 4);
      return [`  ${mark} ${first}`, ...rest.map((line) => `    ${line}`)];
    }),
    '',
    ...row('on', endpoint),
    ...row('operations', operations(report)),
    ...row('throughput', `${formatCount(report.throughput)}/s`),
    ...(callsPerMessage === null ? [] : row('messages', messagesText(calls, callsPerMessage))),
    '',
    ...times(report),
    '',
    ...Object.entries(report.errors).flatMap(([name, { count, message }]) =>
      row('errors', `${formatCount(count)} ${name}: ${message}`),
    ),
    '',
  ]
    .join('\n')
    .replace(/\n+$/, '\n');
}

function operations({ operations: { total, reads, writes, errors }, elapsed }: ScenarioReport): string {
  const parts = [formatNumber(reads, 'read'), formatNumber(writes, 'write'), formatNumber(errors, 'error')];
  return `${formatCount(total)} in ${formatDuration(elapsed)}: ${parts.join(', ')}`;
}

const percentiles = ['p50', 'p90', 'p99', 'max', 'mean'] as const;

function times({ wait, query, latency }: ScenarioReport): string[] {
  const row = (label: string, ...cells: string[]): string =>
    label.padEnd(10) + cells.map((cell) => cell.padStart(9)).join('');
  return [
    row('', 'wait', 'query', 'latency'),
    ...percentiles.map((name) => row(name, ...[wait, query, latency].map((time) => formatDuration(time[name])))),
  ];
}
