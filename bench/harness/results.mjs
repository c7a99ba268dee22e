/**
 * What a bench found.
 *
 * @typedef {{ median: number, low: number, high: number }} Interval The two bounds hold with 95 % or more.
 * @typedef {{
 *   kind: 'comparison',
 *   title: string,
 *   unit: 'ns' | 'µs' | 'ms',
 *   rounds: number,
 *   rows: { name: string, time: Interval, ratio: Interval }[],
 * }} Comparison Times in nanoseconds, whatever the unit they are shown in; ratios to the first row.
 * @typedef {{ kind: 'figures', title: string, columns: string[], rows: (string | number)[][] }} Figures
 * @typedef {Comparison | Figures} Result
 */

/** @type {Record<Comparison['unit'], number>} */
const nanoseconds = { ns: 1, µs: 1e3, ms: 1e6 };

/**
 * A table of Markdown, which is as good to read in a terminal.
 *
 * @param {Result} result
 */
export function asText(result) {
  if (result.kind === 'figures') {
    return table(
      result.title,
      result.columns,
      result.rows.map((row) => row.map(shown)),
    );
  }
  const { title, unit, rounds, rows } = result;
  const cells = rows.map(({ name, time, ratio }) => [
    name,
    `${shown(time.median / nanoseconds[unit])} ${unit}`,
    ratio.median.toFixed(2),
    `${ratio.low.toFixed(2)} to ${ratio.high.toFixed(2)}`,
  ]);
  return table(title, [`${rounds} rounds`, 'median', 'ratio', '95 %'], cells);
}

/**
 * @param {string} title
 * @param {readonly string[]} head
 * @param {readonly (readonly string[])[]} rows
 */
function table(title, head, rows) {
  const widths = head.map((cell, column) => Math.max(cell.length, ...rows.map((row) => row[column]?.length ?? 0)));
  /** @param {readonly string[]} cells */
  const line = (cells) => {
    const padded = cells.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
    );
    return `| ${padded.join(' | ')} |`;
  };
  const rule = `|${widths.map((width, column) => (column === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [`### ${title}`, '', line(head), rule, ...rows.map(line), ''].join('\n');
}

/**
 * Three digits that count.
 *
 * @param {string | number} value
 */
function shown(value) {
  if (typeof value === 'string') return value;
  if (value === 0 || Number.isInteger(value)) return value.toLocaleString('en-US');
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  return value.toPrecision(Math.abs(value) >= 1 ? 3 : 2);
}
