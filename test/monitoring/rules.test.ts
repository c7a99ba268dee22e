import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { anchors, page, projectFolder } from '../support/documentation.js';
import { temporaryFolder } from '../support/temporary.js';
import { toolOnPath } from '../support/tools.js';
import { panels } from './shown-dashboard.js';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly runbook_url: string };
}
interface RulesFile {
  readonly groups: { name: string; rules: Rule[] }[];
}
interface Case {
  readonly name: string;
  readonly alert_rule_test: readonly { readonly alertname: string; readonly exp_alerts?: readonly unknown[] }[];
}

const rulesPath = `${projectFolder}monitoring/prometheus-rules.yaml`;
const casesPath = `${projectFolder}test/monitoring/prometheus-rules.test.yaml`;
const { groups } = parse(readFileSync(rulesPath, 'utf8')) as RulesFile;
const cases = parse(readFileSync(casesPath, 'utf8')) as { rule_files: string[]; tests: Case[] };
const rules = groups.flatMap((group) => group.rules);
const alerts = [...new Set(rules.map(({ alert }) => alert))];
const casesOf = (alert: string): Case[] => cases.tests.filter(({ name }) => name.startsWith(`${alert} `));
const promtool = toolOnPath('promtool');

/** What promtool answers, and whether it is content. */
function run(...parameters: string[]): { readonly passed: boolean; readonly output: string } {
  const { status, stdout, stderr } = spawnSync(promtool ?? '', parameters, { encoding: 'utf8' });
  return { passed: status === 0, output: stdout + stderr };
}

describe('the alert rules', () => {
  test('are eight alerts, each with a severity, a sentence and a section in the runbooks', () => {
    expect(alerts).toHaveLength(8);
    const { homepage } = JSON.parse(readFileSync(`${projectFolder}package.json`, 'utf8')) as { homepage: string };
    const runbooks = page('docs/runbooks.md');
    for (const { alert, labels, annotations } of rules) {
      expect(['warning', 'critical'], alert).toContain(labels.severity);
      expect(annotations.summary, alert).toContain('{{ $labels.db_client_connection_pool_name }}');
      expect(annotations.summary, alert).toContain('{{ $labels.instance }}');
      const [address, section = ''] = annotations.runbook_url.split('#');
      expect(address, alert).toBe(`${homepage.replace(/#.*/, '')}/blob/main/docs/runbooks.md`);
      expect([...anchors(runbooks)], alert).toContain(section);
      expect(runbooks.text, 'a section begins with the name of its alert, which is what one looks for').toContain(
        `## ${alert}\n`,
      );
    }
  });

  test('have each a case in which they fire, and one in which they never do', () => {
    for (const alert of alerts) {
      const own = casesOf(alert);
      const fires = ({ alert_rule_test: asked }: Case): boolean =>
        asked.some(({ exp_alerts: alerting = [] }) => alerting.length > 0);
      expect(own.filter(fires).length, `${alert} fires`).toBeGreaterThan(0);
      expect(own.filter((one) => !fires(one)).length, `${alert} does not fire`).toBeGreaterThan(0);
      expect(own.flatMap((one) => one.alert_rule_test).filter(({ alertname }) => alertname !== alert)).toEqual([]);
    }
    expect(cases.tests.filter(({ name }) => !alerts.some((alert) => name.startsWith(`${alert} `)))).toEqual([]);
  });
});

test('the runbooks name panels that are on the dashboard', () => {
  const text = page('docs/runbooks.md').text.replace(/\s+/g, ' ');
  const named = [...text.matchAll(/panels? ((?:\*[^*]+\*(?:,? and |, |: )?)+)/gi)].flatMap(([, list = '']) =>
    [...list.matchAll(/\*([^*]+)\*/g)].map(([, name = '']) => name),
  );
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter((name) => !panels.some(({ title }) => title.startsWith(name)))).toEqual([]);
});

describe.skipIf(promtool === undefined)('promtool', () => {
  test('takes the rules', () => {
    const { passed, output } = run('check', 'rules', rulesPath);
    expect(passed, output).toBe(true);
    expect(output).toContain(`${rules.length} rules found`);
  });

  test('sees every case come out as it is written', () => {
    const { passed, output } = run('test', 'rules', casesPath);
    expect(passed, output).toBe(true);
  });

  /** Ways to break a rule that some case has to notice; undefined where the rule has not what would be broken. */
  const breakages: readonly (readonly [name: string, breakage: (rule: Rule) => Rule | undefined])[] = [
    ['is never true', (rule) => ({ ...rule, expr: `(${rule.expr}) and vector(0) == 1` })],
    ['drops the process', (rule) => ({ ...rule, expr: `max without (instance) (${rule.expr})` })],
    ['never waits', (rule) => (rule.for === undefined ? undefined : { ...rule, for: '0s' })],
  ];
  test.each(breakages)('would notice a rule that %s', (_name, breakage) => {
    for (const [index, rule] of rules.entries()) {
      const broken = breakage(rule);
      if (broken === undefined) continue;
      const folder = temporaryFolder();
      writeFileSync(
        join(folder, 'rules.yaml'),
        stringify({ groups: [{ name: 'broken', rules: rules.with(index, broken) }] }),
      );
      writeFileSync(
        join(folder, 'cases.yaml'),
        stringify({ ...cases, rule_files: ['rules.yaml'], tests: casesOf(rule.alert) }),
      );
      expect(run('test', 'rules', join(folder, 'cases.yaml')).passed, rule.alert).toBe(false);
    }
  });
});
