const sparks = '▁▂▃▄▅▆▇█';
const mostSparks = 20;

/**
 * A number over time, one character for each, or for several when there are more than `most`.
 * @param highest what fills a character; by default the highest of them
 */
export function sparkline(values: readonly number[], most: number = mostSparks, highest?: number): string {
  if (values.length < 2) return '';
  const step = Math.ceil(values.length / most);
  const means: number[] = [];
  for (let start = 0; start < values.length; start += step) {
    const group = values.slice(start, start + step);
    means.push(group.reduce((sum, value) => sum + value, 0) / group.length);
  }
  const full = highest ?? Math.max(...means, 1);
  return means.map((mean) => sparks[Math.round(Math.min(mean / full, 1) * (sparks.length - 1))]).join('');
}
