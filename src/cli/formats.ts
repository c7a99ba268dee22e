/** A duration with two or three digits that count: `0.35 ms`, `6.1 ms`, `35 ms`, `1.8 s`, `35 s`, `2 min 5 s`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds === 0) return '0 ms';
  if (milliseconds < 0.995) return `${Math.max(milliseconds, 0.01).toFixed(2)} ms`;
  if (milliseconds < 9.95) return `${milliseconds.toFixed(1)} ms`;
  if (milliseconds < 999.5) return `${milliseconds.toFixed(0)} ms`;
  if (milliseconds < 9_950) return `${(milliseconds / 1_000).toFixed(1)} s`;
  const seconds = Math.round(milliseconds / 1_000);
  return seconds < 120 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
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
  if (perSecond < 999.5) return perSecond < 9.95 ? perSecond.toFixed(1) : perSecond.toFixed(0);
  const [value, unit] = perSecond < 999_500 ? [perSecond / 1_000, 'k'] : [perSecond / 1_000_000, 'M'];
  return `${value.toFixed(value < 99.95 ? 1 : 0)}${unit}`;
}

/** A share in percent, never rounded to a 0 or a 100 that it is not: `0.02 %`, `37 %`, `99.98 %`. */
export function formatPercent(percent: number): string {
  if (percent === 0 || percent === 100) return `${percent} %`;
  if (percent < 0.01) return '<0.01 %';
  if (percent > 99.99) return '>99.99 %';
  const digits = percent < 0.995 || percent > 99 ? 2 : percent < 9.95 || percent > 90.05 ? 1 : 0;
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
  for (const word of text.split(/ (?!(?:ms|s|min)\b|%)/)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
