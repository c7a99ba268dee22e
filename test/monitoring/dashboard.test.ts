import { readFileSync } from 'node:fs';
import { parser } from '@prometheus-io/lezer-promql';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { dashboardText } from '../../monitoring/dashboard/dashboard.mjs';
import { families } from '../../src/metrics/families.js';
import { labelName, prometheusName } from '../../src/metrics/family.js';
import { projectFolder } from '../support/documentation.js';
import { dashboardFile, everything, filledIn, panels, variableNames, variables } from './shown-dashboard.js';

interface RulesFile {
  readonly groups: readonly { readonly rules: readonly { readonly alert: string; readonly expr: string }[] }[];
}
const { groups } = parse(readFileSync(`${projectFolder}monitoring/prometheus-rules.yaml`, 'utf8')) as RulesFile;

/** Everything that is asked of Prometheus, by where it stands. */
const asked = [
  ...panels.flatMap(({ title, queries }) =>
    queries.map(({ legend, expr }) => ({ where: `${title} · ${legend}`, expr })),
  ),
  ...groups.flatMap(({ rules }) => rules.map(({ alert, expr }) => ({ where: alert, expr }))),
].map(({ where, expr }) => ({ where, expr: filledIn(expr, { __rate_interval: '1m' }), written: expr }));

/** The nodes of one kind in the tree of an expression, as text. */
function partsOf(expr: string, kind: string): string[] {
  const found: string[] = [];
  parser.parse(expr).iterate({
    enter: ({ name, from, to }) => {
      if (name === kind) found.push(expr.slice(from, to));
    },
  });
  return found;
}

/** What stands for a metric in a selector. */
const metricsOf = (expr: string): string[] => partsOf(expr, 'VectorSelector').map((text) => text.replace(/\{.*/s, ''));

/** The family of each name that Prometheus has. */
const familyOf = new Map(
  families.flatMap((family) => {
    const name = prometheusName(family);
    const names = family.kind === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => name + end) : [name];
    return names.map((one) => [one, family] as const);
  }),
);

describe('the dashboard', () => {
  test('is the one that its code makes', () => {
    // Not the difference: that would be the whole file.
    expect(readFileSync(dashboardFile, 'utf8') === dashboardText(), 'run "npm run dashboard"').toBe(true);
  });

  test('says of each panel what it means, and its unit', () => {
    expect(panels.length).toBeGreaterThan(40);
    for (const { title, type, description, unit } of panels) {
      expect(description, title).toMatch(/^\S.*[.!]$/);
      if (type !== 'state-timeline') expect(unit, title).toBeDefined();
    }
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
  });

  test('has all panels beside and below each other, and a number for each', () => {
    expect(new Set(everything.map(({ id }) => id)).size).toBe(everything.length);
    const cells = new Set<string>();
    for (const { title, gridPos } of everything) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(cells.has(`${x} ${y}`), `${title} covers another panel`).toBe(false);
          cells.add(`${x} ${y}`);
        }
      }
    }
  });

  test('uses no variable that it does not have, and lets the reader choose process and pool everywhere', () => {
    const used = [
      ...panels.flatMap(({ queries }) => queries.map(({ expr }) => expr)),
      ...variables.map((one) => one.query),
    ];
    for (const text of used) {
      for (const [, name = ''] of text.matchAll(/\$(\w+)/g)) expect(variableNames, text).toContain(name);
    }
    for (const { queries } of panels) {
      for (const { expr } of queries) {
        for (const selector of partsOf(filledIn(expr, { __rate_interval: '1m', job: '$job' }), 'VectorSelector')) {
          expect(expr).toContain('job=~"$job", instance=~"$instance", db_client_connection_pool_name=~"$pool"');
          expect(selector, expr).toContain('job=~"$job"');
        }
      }
    }
  });
});

describe('what dashboard and rules ask', () => {
  test('is PromQL', () => {
    for (const { where, expr } of asked) {
      expect(partsOf(expr, '⚠'), `${where}: ${expr}`).toEqual([]);
      expect(partsOf(expr, 'VectorSelector').length, where).toBeGreaterThan(0);
    }
    expect(partsOf('sum by (a) (b[5m', '⚠'), 'the parser finds mistakes').not.toEqual([]);
  });

  test('is about metrics and labels that pools have, and every metric is shown or watched', () => {
    const used = new Set<string>();
    for (const { where, expr } of asked) {
      for (const name of metricsOf(expr)) {
        const family = familyOf.get(name);
        expect(family, `${where} asks for ${name}`).toBeDefined();
        if (family !== undefined) used.add(family.name);
      }
    }
    expect(families.map(({ name }) => name).filter((name) => !used.has(name))).toEqual([]);
  });

  test('names no label that the metric beside it does not have', () => {
    const always = ['job', 'instance', 'db_client_connection_pool_name', 'le'];
    for (const { where, expr } of asked) {
      for (const selector of partsOf(expr, 'VectorSelector')) {
        const family = familyOf.get(selector.replace(/\{.*/s, ''));
        const labels = [...always, ...(family?.attributes ?? []).map(labelName)];
        for (const label of partsOf(selector, 'LabelName')) expect(labels, `${where}: ${selector}`).toContain(label);
      }
      // Aggregations and legends name labels of one of the metrics.
      const all = metricsOf(expr).flatMap((name) => (familyOf.get(name)?.attributes ?? []).map(labelName));
      for (const label of partsOf(expr, 'LabelName')) expect([...always, ...all], `${where}: ${expr}`).toContain(label);
    }
    for (const { title, queries } of panels) {
      for (const { legend, expr } of queries) {
        const kept = partsOf(expr.replaceAll('$__rate_interval', '1m'), 'GroupingLabels').join(' ');
        for (const [, label = ''] of legend.matchAll(/\{\{(\w+)\}\}/g))
          expect(kept, `${title} · ${legend}`).toContain(label);
      }
    }
  });

  test('takes the rate of what only grows, and of nothing else', () => {
    for (const { where, expr } of asked) {
      const inRates = new Set(partsOf(expr, 'MatrixSelector').flatMap((text) => metricsOf(text)));
      for (const name of metricsOf(expr)) {
        const grows = familyOf.get(name)?.kind === 'counter' || familyOf.get(name)?.kind === 'histogram';
        // Whether there was an unknown commit at all is asked of the counter itself: see the rules.
        if (where !== 'SurrealPoolCommitUnknown') expect(inRates.has(name), `${where}: ${name}`).toBe(grows);
      }
    }
  });

  test('takes rates over the window that fits the scrapes', () => {
    for (const { title, queries } of panels) {
      for (const { expr } of queries) {
        expect(expr.replaceAll('[$__rate_interval]', ''), title).not.toMatch(/\[/);
      }
    }
  });
});
