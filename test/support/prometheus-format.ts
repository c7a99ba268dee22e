/** A family of a text in Prometheus' format. */
export interface ParsedFamily {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly samples: ParsedSample[];
}

export interface ParsedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const metricName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const labelName = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const number = /^(?:[+-]?Inf|NaN|[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)$/;

/**
 * Reads Prometheus' text format 0.0.4, and throws for all that a careful reader could refuse: a family without HELP and TYPE or in
 * two places, a series that is there twice, a counter below 0, a histogram whose buckets fall or do not end with its count.
 * Blank lines are allowed, timestamps are not.
 * Source: https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export function parsePrometheus(text: string): ParsedFamily[] {
  if (text !== '' && !text.endsWith('\n')) throw new Error('the text does not end with a line feed');
  const families = new Map<string, ParsedFamily>();
  const series = new Set<string>();
  let help: [name: string, text: string] | undefined;
  let family: ParsedFamily | undefined;
  text.split('\n').forEach((line, index) => {
    const wrong = (what: string): Error => new Error(`line ${index + 1}: ${what}: ${line}`);
    const [, kind, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/s.exec(line) ?? [];
    if (line === '') return;
    if (kind === 'HELP') {
      if (families.has(name)) throw wrong('a family for the second time');
      help = [name, unescaped(rest, ['\\', 'n'], wrong)];
    } else if (kind === 'TYPE') {
      if (help?.[0] !== name) throw wrong('a TYPE without its HELP before it');
      if (!metricName.test(name)) throw wrong('no name of a metric');
      if (!['counter', 'gauge', 'histogram', 'summary', 'untyped'].includes(rest)) throw wrong('an unknown type');
      family = { name, help: help[1], type: rest, samples: [] };
      families.set(name, family);
    } else {
      if (line.startsWith('#')) throw wrong('a comment');
      const sample = sampleIn(line, wrong);
      if (family === undefined || !belongs(sample, family)) throw wrong('a sample that is not of the family above it');
      const key = JSON.stringify([sample.name, Object.entries(sample.labels).sort()]);
      if (series.has(key)) throw wrong('a series for the second time');
      series.add(key);
      if (family.type === 'counter' && !(sample.value >= 0)) throw wrong('a counter below 0');
      family.samples.push(sample);
    }
  });
  for (const one of families.values()) if (one.type === 'histogram') checkHistogram(one);
  return [...families.values()];
}

function belongs({ name, labels }: ParsedSample, family: ParsedFamily): boolean {
  if (family.type !== 'histogram') return name === family.name;
  if (name === `${family.name}_bucket`) return 'le' in labels;
  return name === `${family.name}_sum` || name === `${family.name}_count`;
}

function sampleIn(line: string, wrong: (what: string) => Error): ParsedSample {
  const [, name = '', inner, value = ''] = /^([^\s{]+)(?:\{(.*)\})? (\S+)$/s.exec(line) ?? [];
  if (!metricName.test(name)) throw wrong('no sample');
  if (!number.test(value)) throw wrong('no number');
  const labels: Record<string, string> = {};
  let left = inner ?? '';
  while (left !== '') {
    const [whole = '', label = '', text = ''] = /^([^=]*)="((?:[^"\\]|\\.)*)"(?:,|$)/s.exec(left) ?? [];
    if (whole === '' || !labelName.test(label)) throw wrong('no label');
    if (label in labels) throw wrong('a label for the second time');
    labels[label] = unescaped(text, ['\\', 'n', '"'], wrong);
    left = left.slice(whole.length);
  }
  return { name, labels, value: numberIn(value) };
}

function numberIn(text: string): number {
  return text.endsWith('Inf') ? (text.startsWith('-') ? -1 : 1) * Number.POSITIVE_INFINITY : Number(text);
}

function unescaped(text: string, allowed: readonly string[], wrong: (what: string) => Error): string {
  return text.replaceAll(/\\(.?)/gs, (_, escaped: string) => {
    if (!allowed.includes(escaped)) throw wrong('an unknown escape');
    return escaped === 'n' ? '\n' : escaped;
  });
}

function checkHistogram({ name, samples }: ParsedFamily): void {
  const groups = new Map<string, ParsedSample[]>();
  for (const sample of samples) {
    const { le: _, ...own } = sample.labels;
    const key = JSON.stringify(Object.entries(own).sort());
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  for (const [key, group] of groups) {
    const buckets = group.filter((sample) => sample.name === `${name}_bucket`);
    const bounds = buckets.map(({ labels }) => numberIn(labels.le ?? ''));
    const counts = buckets.map(({ value }) => value);
    const count = group.filter((sample) => sample.name === `${name}_count`).map(({ value }) => value);
    const sums = group.filter((sample) => sample.name === `${name}_sum`);
    const rises = (numbers: number[], strictly: boolean): boolean =>
      numbers.every(
        (one, index) => index === 0 || one > (numbers[index - 1] ?? 0) || (!strictly && one === numbers[index - 1]),
      );
    const isWhole =
      rises(bounds, true) && rises(counts, false) && bounds.at(-1) === Number.POSITIVE_INFINITY && sums.length === 1;
    if (!isWhole || count.length !== 1 || counts.at(-1) !== count[0]) {
      throw new Error(`the histogram ${name} of ${key} is not whole: ${JSON.stringify(group)}`);
    }
  }
}
