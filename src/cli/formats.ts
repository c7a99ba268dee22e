import { formatDuration, short } from '../time/format-duration.js';

export { formatDuration };

/** The same for a duration that somebody chose: `1 s` instead of `1.0 s`. */
export function formatRoundDuration(milliseconds: number): string {
  return formatDuration(milliseconds).replace(/\.0+ /, ' ');
}

/** A whole number in groups of three digits: `8,412`. */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

/** A whole number of things: `1 read`, `2,000 reads`. */
export function formatNumber(count: number, thing: string): string {
  return `${formatCount(count)} ${thing}${count === 1 ? '' : 's'}`;
}

/** A number per second in little space: `942`, `8.4k`, `124k`, `1.2M`. */
export function formatRate(perSecond: number): string {
  if (perSecond < 999.5) return short(perSecond);
  const [value, unit] = perSecond < 999_500 ? [perSecond / 1_000, 'k'] : [perSecond / 1_000_000, 'M'];
  return `${value.toFixed(value < 99.95 ? 1 : 0)}${unit}`;
}

/** A share in percent, never rounded to a 0 or a 100 that it is not: `0.02 %`, `37 %`, `99.98 %`. */
export function formatPercent(percent: number): string {
  if (percent === 0 || percent === 100) return `${percent} %`;
  if (percent < 0.01) return '<0.01 %';
  if (percent > 99.99) return '>99.99 %';
  const digits = percent < 0.995 || percent > 99 ? 2 : percent < 9.95 ? 1 : 0;
  return `${percent.toFixed(digits)} %`;
}

/** Cut to a number of characters, with a mark that something is missing. */
export function shorten(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}

/** Broken between words, but not before a unit, into lines of at most `width` characters. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/ (?!(?:ms|s|min|h)\b|%)/)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
