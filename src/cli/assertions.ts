import { nearest } from '../config/nearest.js';
import { Refusal, show } from '../config/refusal.js';
import type { LoadFigures } from './load-figures.js';

/** A condition that must hold at the end of a run: `wait.p99<50ms`. */
export interface Assertion {
  readonly metric: string;
  readonly comparison: Comparison;
  /** In the metric's own unit: milliseconds, a number, or percent. */
  readonly bound: number;
  readonly unit: Unit;
  /** The assertion as the user wrote it. */
  readonly text: string;
}

export type Unit = 'ms' | 'count' | 'per second' | 'percent';

export interface AssertionResult {
  readonly text: string;
  readonly unit: Unit;
  /** Null when nothing was measured: then the assertion fails. */
  readonly actual: number | null;
  readonly passed: boolean;
}

type Comparison = '<' | '<=' | '>' | '>=' | '=';

const comparisons: Readonly<Record<Comparison, (actual: number, bound: number) => boolean>> = {
  '<': (actual, bound) => actual < bound,
  '<=': (actual, bound) => actual <= bound,
  '>': (actual, bound) => actual > bound,
  '>=': (actual, bound) => actual >= bound,
  '=': (actual, bound) => actual === bound,
};

const times = ['wait', 'query', 'latency'] as const;
const statistics = ['p50', 'p90', 'p99', 'max', 'mean'] as const;

const timeMetrics: readonly string[] = times.flatMap((time) => statistics.map((statistic) => `${time}.${statistic}`));
const countMetrics: readonly string[] = ['errors', 'refused', 'dropped', 'opened', 'closed'];
const metrics: readonly string[] = ['throughput', ...countMetrics, 'reuse', ...timeMetrics];

/** What assertions look at. */
export type Asserted = Pick<LoadFigures, 'throughput' | 'wait' | 'query' | 'latency' | 'errors'> & {
  readonly operations: Pick<LoadFigures['operations'], 'total' | 'errors' | 'dropped' | 'refused'>;
  readonly pool: Pick<LoadFigures['pool'], 'reuse' | 'opened' | 'closed'>;
};

/** Reads a list of assertions, separated by commas. */
export function readAssertions(list: string): Assertion[] | Refusal {
  const assertions: Assertion[] = [];
  for (const text of list.split(',')) {
    const assertion = readAssertion(text.trim());
    if (assertion instanceof Refusal) return assertion;
    assertions.push(assertion);
  }
  return assertions;
}

function readAssertion(text: string): Assertion | Refusal {
  const [, metric, comparison, value] = /^([\w.-]+)\s*(<=|>=|<|>|=)\s*([\w.%/]+)$/.exec(text) ?? [];
  if (metric === undefined || comparison === undefined || value === undefined) {
    return new Refusal('a metric, one of < <= > >= =, and a value, such as wait.p99<50ms', show(text));
  }
  if (!metrics.includes(metric) && !/^errors\.[\w-]+$/.test(metric)) return unknownMetric(metric);
  const bound = readBound(metric, value);
  return bound instanceof Refusal ? bound : { metric, comparison: comparison as Comparison, ...bound, text };
}

function unknownMetric(metric: string): Refusal {
  // With a space for the dot, so that a typing error before it counts as much as one after it.
  const spelled = metrics.map((name) => name.replace('.', ' '));
  const meant = nearest(metric.replace('.', ' '), spelled)?.replace(' ', '.');
  const all =
    'throughput, errors, errors.<class>, refused, dropped, reuse, opened, closed, and wait, query or latency with .p50, .p90, .p99, .max or .mean';
  return new Refusal(meant === undefined ? all : `${meant} (did you mean that?)`, `the unknown metric ${show(metric)}`);
}

const milliseconds: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1_000 };

function readBound(metric: string, value: string): { bound: number; unit: Unit } | Refusal {
  const [, number = '', suffix = ''] = /^(\d+(?:\.\d+)?)(\D*)$/.exec(value) ?? [];
  const bound = Number(number);
  const given = show(value);
  if (timeMetrics.includes(metric)) {
    const factor = milliseconds[suffix];
    if (number !== '' && factor !== undefined) return { bound: bound * factor, unit: 'ms' };
    return new Refusal(`for ${metric} a time with its unit, such as 50ms, 0.5ms or 2s`, given);
  }
  if (metric === 'reuse') {
    if (number !== '' && (suffix === '' || suffix === '%')) return { bound, unit: 'percent' };
    return new Refusal('for reuse a percentage, such as 99%', given);
  }
  if (metric === 'throughput') {
    if (number !== '' && (suffix === '' || suffix === '/s')) return { bound, unit: 'per second' };
    return new Refusal('for throughput operations per second, such as 1000', given);
  }
  if (number !== '' && suffix === '') return { bound, unit: 'count' };
  const isError = metric.startsWith('errors');
  if (number !== '' && suffix === '%' && isError) return { bound, unit: 'percent' };
  return new Refusal(`for ${metric} a number${isError ? ', or a share of all operations such as 1%' : ''}`, given);
}

/** Whether each assertion holds. */
export function evaluate(assertions: readonly Assertion[], figures: Asserted): AssertionResult[] {
  return assertions.map(({ text, metric, unit, comparison, bound }) => {
    const actual = measured(metric, unit, figures);
    return { text, unit, actual, passed: actual !== null && comparisons[comparison](actual, bound) };
  });
}

function measured(metric: string, unit: Unit, figures: Asserted): number | null {
  const { operations, pool } = figures;
  const [name = '', detail = ''] = metric.split('.');
  switch (name) {
    case 'throughput':
      return figures.throughput.mean;
    case 'dropped':
    case 'refused':
      return operations[name];
    case 'reuse':
      return operations.total === 0 ? null : pool.reuse;
    case 'opened':
    case 'closed':
      return pool[name];
    case 'errors': {
      const errors = detail === '' ? operations.errors : (figures.errors[detail]?.count ?? 0);
      if (unit === 'count') return errors;
      return operations.total === 0 ? null : (100 * errors) / operations.total;
    }
    default: {
      const summary = figures[name as (typeof times)[number]];
      return summary.count === 0 ? null : summary[detail as (typeof statistics)[number]];
    }
  }
}
