import { describe, expect, test } from 'vitest';
import { spreadWorkers } from '../../src/cli/load-agents.js';
import type { LoadReport } from '../../src/cli/load-report.js';
import { surroundings } from '../support/surroundings.js';
import { Command, type Outcome, run } from './command.js';

const own = surroundings();

function load(...parameters: string[]): Promise<Outcome> {
  return run(['load', '--progress', '0', ...parameters]);
}

async function reportOf(...parameters: string[]) {
  const outcome = await load('--json', ...parameters);
  expect({ code: outcome.code, stderr: outcome.stderr }).toEqual({ code: 0, stderr: '' });
  const report = JSON.parse(outcome.stdout) as LoadReport;
  if (report.agents === null) throw new Error('no agents are in the report');
  return { ...report, agents: report.agents };
}

type AgentReport = Awaited<ReturnType<typeof reportOf>>;

function sum<Item>(items: readonly Item[], pick: (item: Item) => number): number {
  return items.reduce((total, item) => total + pick(item), 0);
}

/** Every operation is with exactly one agent, and every refusal was counted by its session and by the load. */
function expectToAgree({ operations, agents, load: { workers } }: AgentReport): void {
  const { reads, writes, errors, total, refused } = operations;
  expect(reads + writes + errors).toBe(total);
  expect(sum(agents.agents, (agent) => agent.operations)).toBe(reads + writes);
  expect(sum(agents.agents, (agent) => agent.latency.count)).toBe(total);
  expect(sum(agents.agents, (agent) => agent.workers)).toBe(workers);
  expect(sum(agents.agents, (agent) => sum(Object.values(agent.refused), (count) => count))).toBe(refused);
  expect(sum(Object.values(agents.refused), (count) => count)).toBe(refused);
  expect(sum(agents.agents, ({ share }) => share)).toBeCloseTo(100);
  expect(sum(agents.kinds, (kind) => kind.operations)).toBe(reads + writes);
  expect(agents.agents.map(({ share }) => share)).toEqual(
    agents.agents.map(({ share }) => share).sort((one, other) => other - one),
  );
}

describe('workers', () => {
  test.each([
    [{ count: 4, greedy: 2 }, 12, [5, 5, 1, 1]],
    [{ count: 4, greedy: 3 }, 12, [4, 4, 3, 1]],
    [{ count: 3, greedy: 0 }, 7, [3, 2, 2]],
    [{ count: 3, greedy: 3 }, 3, [1, 1, 1]],
    [{ count: 1, greedy: 1 }, 32, [32]],
  ])('are spread over %j: the light ones have one each', (plan, workers, expected) => {
    expect(spreadWorkers(workers, plan)).toEqual(expected);
  });
});

describe('a load with agents', () => {
  test.each([
    ['with leases', []],
    ['with single calls', ['--single-calls']],
  ])('%s over sockets serves each of them, and its numbers add up', async (_, parameters) => {
    const front = await own.listen();
    const options = ['--agents', '20', '--think', '20ms', '--pool-max', '4', '--duration', '1s', '--mix', 'read=1'];
    const report = await reportOf(...options, '--endpoint', front.url, ...parameters);
    expectToAgree(report);
    const { agents } = report;
    expect(agents.kinds).toMatchObject([
      { kind: 'greedy', agents: 2, workers: 42 },
      { kind: 'light', agents: 18, workers: 18 },
    ]);
    expect(agents.agents.filter(({ operations }) => operations === 0)).toEqual([]);
    expect(agents.refused).toEqual({});
    expect(agents.fairness).toMatchObject({ kind: 'greedy', agents: 2 });
    expect(report.load.agents).toEqual({ count: 20, greedy: 2, think: 20, weights: [1], limits: {} });
    expect(agents.agents.every(({ wait }) => wait.count > 0)).toBe(parameters.length === 0);
    expect(front.connections).toBe(0);
  });

  test('gives connections by weight to agents that all want more than there are', async () => {
    const { agents } = await reportOf(
      ...['--agents', '3', '--greedy', '3', '--weights', '1,1,4', '--workers', '60', '--pool-max', '2'],
      ...['--mix', 'read=1', '--duration', '2s'],
    );
    expect(agents.agents[0]).toMatchObject({ agentId: 'greedy-3', weight: 4 });
    expect(agents.agents.map(({ weight }) => weight)).toEqual([4, 1, 1]);
    // By their weights all had the same; equal shares would be 0.67.
    expect(agents.fairness?.index).toBeGreaterThan(0.9);
  });

  test('keeps a limit to the last operation, and ends when none may make another', async () => {
    const limit = ['--agent-limit', 'maxOperations=7'];
    const report = await reportOf('--agents', '5', '--think', '1ms', '--duration', '5m', '--mix', 'read=1', ...limit);
    expectToAgree(report);
    expect(report.agents.agents.map(({ operations }) => operations)).toEqual([7, 7, 7, 7, 7]);
    // Each worker was refused once, and then stopped.
    expect(report.agents.refused).toEqual({ maxOperations: 32 });
    expect(report.operations).toMatchObject({ total: 35, errors: 0, refused: 32 });
    expect(report.verdict.finding).not.toBe('errors');
  });

  test('ends at its number of operations, also while agents think', async () => {
    const report = await reportOf('--agents', '5', '--think', '5m', '--operations', '100', '--mix', 'read=1');
    expectToAgree(report);
    expect(report.operations.total).toBe(100);
  });

  test('can be asserted: refusals are no errors', async () => {
    const options = ['--agents', '2', '--workers', '8', '--operations', '200', '--agent-limit', 'maxConnections=1'];
    const { code, stdout } = await load(...options, '--mix', 'read=1', '--assert', 'errors=0,refused=0');
    expect(code).toBe(99);
    expect(stdout).toMatch(/✓ errors=0 +0$/m);
    expect(stdout).toMatch(/✗ refused=0 +[1-9]/);
    expect(stdout).toMatch(/^refused {6}[\d,]+ times? by maxConnections$/m);
  });

  test('of a thousand reports within 80 columns and one screen more, and in one line of progress', async () => {
    const options = ['--agents', '1000', '--duration', '2s', '--mix', 'read=1', '--agent-limit', 'maxConnections=3'];
    const command = new Command(['load', '--progress', '500ms', ...options]);
    await command.told(/^progress: .*, 1,000 agents, /m);
    const { code, stdout, stderr } = await command.ended;
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(46);
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(stdout).toMatch(/^all 100 greedy .*\nall 900 light .*\n$/m);
    expect(
      stderr
        .trimEnd()
        .split('\n')
        .every((line) => line.startsWith('progress: ')),
    ).toBe(true);
  });

  test('is stopped by a signal, and still reports', async () => {
    const command = new Command(['load', '--json', '--agents', '9', '--duration', '1h', '--progress', '100ms']);
    await command.told(/^progress: /m);
    command.signal('SIGINT');
    const { code, stdout } = await command.ended;
    expect(code).toBe(130);
    const report = JSON.parse(stdout) as AgentReport;
    expectToAgree(report);
    expect(report.interrupted).toBe('SIGINT');
  });

  test('with options that do not go together exits 2 and says why', async () => {
    const { code, stderr } = await load('--greedy', '3', '--agent-limit', 'maxConections=2');
    expect(code).toBe(2);
    expect(stderr).toContain('--greedy: given without it; allowed: only with --agents\n');
    expect(stderr).toContain(
      '--agent-limit: given maxConections an unknown option; allowed: maxConnections (did you mean that?)',
    );
  });
});
