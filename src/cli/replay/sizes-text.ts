import { formatCount, formatDuration, formatPercent, wrap } from '../formats.js';
import type { Paint } from '../output.js';
import type { SizesReport } from './replay-sizes.js';
import { recordedText } from './replay-text.js';

const mostColumns = 100;

/** The report as text: first which size, then what each would have done. */
export function sizesText(report: SizesReport, paint: Paint, columns = 80): string {
  const width = Math.min(columns, mostColumns);
  const [first = '', ...others] = report.sentences;
  const row = (cells: readonly string[]): string =>
    cells.map((cell, index) => cell.padStart(index === 0 ? 11 : 12)).join('');
  return [
    ...wrap(first, width).map((line) => paint('bold', line)),
    ...others.flatMap((sentence) => wrap(sentence, width)),
    '',
    `  ${row(['connections', 'wait p50', 'wait p99', 'wait max', 'failed', 'used'])}`,
    ...report.sizes.map(({ size, wait, operations, used, isEnough }) => {
      const times = [wait.p50, wait.p99, wait.max].map(formatDuration);
      const line = row([formatCount(size), ...times, formatCount(operations.errors), formatPercent(used)]);
      const mark = isEnough ? paint('green', '✓') : paint('red', '✗');
      return `${mark} ${size === report.recommended ? paint('bold', line) : line}`;
    }),
    '',
    ...wrap(`recorded: ${recordedText(report.recorded)}`, width),
    '',
  ].join('\n');
}
