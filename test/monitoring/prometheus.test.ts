import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { ConnectionManager } from '../../src/index.js';
import { instrumentPool } from '../../src/otel/index.js';
import { metricsHandler } from '../../src/prometheus/index.js';
import { codeBlocks, page, projectFolder } from '../support/documentation.js';
import { type Found, PrometheusServer } from '../support/prometheus-server.js';
import { surroundings } from '../support/surroundings.js';
import { rocksdbUrl } from '../support/temporary.js';
import { toolOnPath } from '../support/tools.js';
import { alertsIn, readShown, type Shown, shownIn } from './expectations.js';
import { filledIn, panels, variables } from './shown-dashboard.js';
import { gap, type Scene, type Situation, situations } from './situations.js';

const program = toolOnPath('prometheus');
/** An alert waits for a lease that is idle for 30 s. */
const watched = 33_000;

const own = surroundings(rocksdbUrl());
const names = ['gap', ...Object.keys(situations)];
const pools: ConnectionManager[] = [];
let target: Server;
let prometheus: PrometheusServer;
let began: number;
let ended: number;
/** The two ways to the metrics of the same pools, which the dashboard has to show alike. */
const jobs = ['prometheus', 'otel'] as const;
const exporter = new PrometheusExporter({ preventServerStart: true });
const meterProvider = new MeterProvider({ readers: [exporter] });
const scrapes = { done: 0, waiting: new Set<() => void>() };

/** What the documentation has a scrape of OpenTelemetry's exporter say. */
function namesWithUnits(): object {
  const block = codeBlocks(page('docs/grafana.md')).find(({ code }) => code.includes('metric_relabel_configs'));
  return parse(block?.code ?? '') as object;
}

/** Resolves when Prometheus was answered so many times more, all of it asked from now on. */
async function scraped(times: number): Promise<void> {
  const enough = scrapes.done + times + 1;
  while (scrapes.done < enough) await new Promise<void>((resolve) => scrapes.waiting.add(resolve));
}

const seconds = (): number => Date.now() / 1000;

/** Makes the pool of a situation; what is returned begins when Prometheus has seen it. */
async function prepare(name: string, situation: Situation, end: AbortSignal): Promise<() => Promise<unknown>> {
  let made: ConnectionManager | undefined;
  const scene: Scene = {
    ...{ engine: own.engine, listen: own.listen, end, scraped },
    pool: async (where, options) => {
      // No probes but those that the situation itself brings about.
      made = await own.pool(where, { name, healthCheckInterval: 0, ...options });
      return made;
    },
  };
  const run = await situation(scene);
  if (made === undefined) throw new Error(`the situation ${name} made no pool`);
  pools.push(made);
  instrumentPool(made, { meterProvider, tenants: 2 });
  return run;
}

/** Has every situation play, until Prometheus has seen what there is to see. */
async function stage(): Promise<void> {
  began = seconds();
  const end = new AbortController();
  const standStill = await prepare('gap', gap, end.signal);
  await scraped(2);
  await standStill();
  await scraped(2);
  const runs: (() => Promise<unknown>)[] = [];
  for (const [name, situation] of Object.entries(situations)) runs.push(await prepare(name, situation, end.signal));
  await scraped(2);
  setTimeout(() => end.abort(), watched);
  await Promise.all(runs.map((run) => run()));
  await scraped(1);
  ended = seconds();
}

/** What is wrong with where something was shown; nothing when all is as it should be. */
function mistakes(shown: Shown, where: readonly string[]): string[] {
  const { must, may } = readShown(shown);
  return [
    ...(must.length === 0 ? ['it is expected nowhere'] : []),
    ...must.filter((name) => !where.includes(name)).map((name) => `nothing in ${name}`),
    ...where.filter((name) => !must.includes(name) && !may.includes(name)).map((name) => `something in ${name}`),
  ];
}

/** A legend without the labels that Grafana fills in. */
const wordsOf = (legend: string): string => legend.replace(/\{\{\w+\}\}/g, '').trim();

/** Which situations an expression shows for a job: those for whose pool it has a sample that is not 0. */
async function whereShown(expr: string, job: string): Promise<string[]> {
  const shown: string[] = [];
  for (const pool of names) {
    const found = await prometheus.query(filledIn(expr, { job, pool, __rate_interval: '5s' }), began, ended);
    if (found.some(isShown)) shown.push(pool);
  }
  return shown;
}

function isShown({ values }: Found): boolean {
  return values.some(([, value]) => !Number.isNaN(value) && value !== 0);
}

describe.skipIf(program === undefined)('a Prometheus that watches pools in every situation', () => {
  beforeAll(async () => {
    const metrics = metricsHandler(() => pools, { tenants: 2 });
    target = createServer((request, response) => {
      if (request.url === '/otel') {
        exporter.getMetricsRequestHandler(request, response);
        return;
      }
      void metrics(request, response).then(() => {
        scrapes.done++;
        for (const tell of scrapes.waiting) tell();
        scrapes.waiting.clear();
      });
    });
    await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve));
    const { port } = target.address() as AddressInfo;
    const rules = [`${projectFolder}monitoring/prometheus-rules.yaml`];
    prometheus = await PrometheusServer.start({
      ...{ program: program ?? '', port, rules },
      jobs: [
        { name: 'prometheus', path: '/metrics' },
        { name: 'otel', path: '/otel', more: namesWithUnits() },
      ],
    });
    await stage();
  }, 150_000);
  afterAll(async () => {
    await prometheus?.end();
    await meterProvider.shutdown();
    target?.closeAllConnections();
    await new Promise((resolve) => target?.close(resolve));
  });

  test.each(jobs)(
    'shows in each panel what there is, and nothing where there is nothing, by way of %s',
    async (job) => {
      expect(panels.map(({ title }) => title).sort()).toEqual(Object.keys(shownIn).sort());
      const wrong: string[] = [];
      for (const { title, queries } of panels) {
        const expected = shownIn[title] ?? '';
        const byLegend = typeof expected === 'string' ? { [wordsOf(queries[0]?.legend ?? '')]: expected } : expected;
        if (typeof expected === 'string') expect(queries, title).toHaveLength(1);
        expect(
          queries.map(({ legend }) => wordsOf(legend)),
          title,
        ).toEqual(Object.keys(byLegend));
        for (const { legend, expr } of queries) {
          const found = mistakes(byLegend[wordsOf(legend)] ?? '', await whereShown(expr, job));
          wrong.push(...found.map((mistake) => `${title} · ${legend}: ${mistake}`));
        }
      }
      expect(wrong).toEqual([]);
    },
  );

  test.each(jobs)(
    'raises each alert for the pools that have its trouble, and for no other, by way of %s',
    async (job) => {
      for (const { name, health, lastError } of await prometheus.rules()) {
        expect(health, `${name}: ${lastError}`).toBe('ok');
      }
      const raised = new Map<string, string[]>();
      for (const { metric } of await prometheus.query(`ALERTS{job="${job}"}`, began, ended)) {
        const { alertname, severity, db_client_connection_pool_name: pool = 'no pool' } = metric;
        const alert = `${alertname} ${severity}`;
        raised.set(alert, [...(raised.get(alert) ?? []), pool]);
      }
      const wrong = Object.entries(alertsIn).flatMap(([alert, shown]) =>
        mistakes(shown, raised.get(alert) ?? []).map((mistake) => `${alert}: ${mistake}`),
      );
      expect(wrong).toEqual([]);
      expect([...raised.keys()].filter((alert) => !(alert in alertsIn))).toEqual([]);
    },
  );

  test('has values for each variable of the dashboard', async () => {
    const values: Record<string, string[]> = {};
    for (const { name, query } of variables) {
      const [, selector = '', label = ''] = /^label_values\((.*), (\w+)\)$/.exec(query) ?? [];
      values[name] = await prometheus.labelValues(label, filledIn(selector, { pool: 'servers' }));
    }
    const { port } = target.address() as AddressInfo;
    expect(values).toEqual({
      job: [...jobs].sort(),
      instance: [`127.0.0.1:${port}`],
      pool: [...names].sort(),
      endpoint: [expect.any(String), expect.any(String), expect.any(String)],
    });
  });
});
