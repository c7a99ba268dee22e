import { durationBoundaries } from '../pool/duration-buckets.js';
import { cumulative, type Scrape, type ShownFamily } from './scrape.js';

/** The content type of Prometheus' text format, version 0.0.4. */
export const contentType = 'text/plain; version=0.0.4; charset=utf-8';

/** The upper bounds of the buckets, as the label `le` has them. */
export const bounds: readonly string[] = [...durationBoundaries.map(number), '+Inf'];

/**
 * A scrape in Prometheus' text format.
 * Source: https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export function textOf(families: readonly ShownFamily[], scrape: Scrape): string {
  let text = '';
  for (const shown of families) {
    const { name, type, help, labels: names } = shown;
    text += `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${type}\n`;
    for (const { labels, value } of scrape.series(shown)) {
      const own = labels
        .flatMap((label, index) => (label === undefined ? [] : [`${names[index]}="${escaped(label)}"`]))
        .join(',');
      if (typeof value === 'number') {
        text += `${name}{${own}} ${number(value)}\n`;
        continue;
      }
      cumulative(value.counts).forEach((count, index) => {
        text += `${name}_bucket{${own},le="${bounds[index]}"} ${number(count)}\n`;
      });
      text += `${name}_sum{${own}} ${number(value.sum)}\n${name}_count{${own}} ${number(value.count)}\n`;
    }
  }
  return text;
}

function escaped(label: string): string {
  return label.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function number(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}
