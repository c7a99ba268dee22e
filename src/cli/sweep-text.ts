import { formatCount, formatDuration, formatNumber, formatPercent, wrap } from './formats.js';
import type { Paint } from './output.js';
import type { SizeJudged } from './sweep-choice.js';
import type { SweepReport } from './sweep-report.js';

const columnsForAll = 72;
const mostColumns = 100;

const marks: Readonly<Record<SizeJudged['verdict'], string>> = { enough: '✓', 'too-few': '✗', uncertain: '?' };
const styles = { enough: 'green', 'too-few': 'red', uncertain: 'dim' } as const;

/** The report as a text: which size and why comes first, then what each size did. In few columns without the details. */
export function sweepText(report: SweepReport, paint: Paint, columns: number = 80): string {
  const { sweep, sizes, sentences, recommended } = report;
  const [first = '', ...others] = sentences;
  const width = Math.min(columns, mostColumns);
  const isWide = columns >= columnsForAll;
  const row = (cells: readonly string[], widths: readonly number[]): string =>
    cells.map((cell, index) => cell.padStart(widths[index] ?? 0)).join('');
  const widths = isWide ? [11, 14, 10, 18, 10, 8] : [6, 11, 9, 10];
  const head = isWide
    ? ['connections', 'operations/s', 'of best', '95 % sure', 'p99', 'busy']
    : ['size', 'op/s', 'of best', 'p99'];
  const how = sweep.singleCalls ? 'with single calls' : 'with a lease for each operation';
  return [
    ...wrap(first, width).map((line) => paint('bold', line)),
    ...others.flatMap((sentence) => wrap(sentence, width)),
    '',
    `  ${row(head, widths)}`,
    ...sizes.map(({ size, throughput, ofBest, p99, processBusy, verdict }) => {
      const share = `${ofBest.mean.toFixed(0)} %`;
      const sure = size === report.best ? '' : `${Math.max(0, ofBest.low).toFixed(0)} to ${ofBest.high.toFixed(0)} %`;
      const cells = isWide
        ? [String(size), formatCount(throughput.mean), share, sure, formatDuration(p99), formatPercent(processBusy)]
        : [String(size), formatCount(throughput.mean), share, formatDuration(p99)];
      const line = row(cells, widths);
      return `${paint(styles[verdict], marks[verdict])} ${size === recommended ? paint('bold', line) : line}`;
    }),
    '',
    ...wrap(
      `${formatNumber(sweep.workers, 'worker')} ${how}, on ${sweep.endpoint} ${sweep.namespace}/${sweep.database}; ` +
        `${sweep.rounds} rounds of ${formatDuration(sweep.time)} for each size, in an order drawn with --seed ${sweep.seed}`,
      width,
    ),
    '',
  ].join('\n');
}
