import { describe, expect, test } from 'vitest';
import type { AgentFigures, AgentsFigures, KindFigures } from '../../src/cli/agent-figures.js';
import type { AgentPlan } from '../../src/cli/load-plan.js';
import { plain } from '../../src/cli/output.js';
import { reportText } from '../../src/cli/report-text.js';
import { figures, report, summary } from './example-report.js';

const plan: AgentPlan = { count: 50, greedy: 5, think: 100, weights: [1], limits: {} };

function agent(agentId: string, own: Partial<AgentFigures> = {}): AgentFigures {
  const times = { wait: summary({ p50: 5, p99: 9 }), latency: summary({ p50: 6, p99: 12 }) };
  const counts = { weight: 1, workers: 21, busyTime: 180, timeWaited: 900, share: 18, operations: 1_234 };
  return { agentId, kind: 'greedy', ...counts, refused: {}, ...times, ...own };
}

function kind(name: 'greedy' | 'light', agents: number, own: Partial<KindFigures> = {}): KindFigures {
  const { agentId: _, weight: __, ...rest } = agent('');
  return { ...rest, kind: name, agents, workers: 105, share: 90, operations: 6_170, ...own };
}

const example: AgentsFigures = {
  fairness: { kind: 'greedy', agents: 5, index: 0.998 },
  fairnessOfAll: 0.2,
  refused: {},
  agents: [1, 2, 3, 4, 5]
    .map((number) => agent(`greedy-${number}`))
    .concat(Array.from({ length: 45 }, (_, index) => agent(`light-${index + 1}`, { kind: 'light', share: 0.2 }))),
  kinds: [kind('greedy', 5), kind('light', 45, { workers: 45, share: 10 })],
};

/** The lines about agents. */
function lines(agents: Partial<AgentsFigures> = {}, of: Partial<AgentPlan> = {}, columns = 80, singleCalls = false) {
  const load = { ...figures().load, singleCalls, agents: { ...plan, ...of } };
  const text = reportText(report({ load, agents: { ...example, ...agents } }), plain, columns).trimEnd();
  const all = text.split('\n');
  return all.slice(all.findIndex((line) => line.startsWith('agents ')));
}

describe('the agents in the report', () => {
  test('are side by side: those with the largest share, and all of each kind', () => {
    expect(lines().join('\n')).toBe(`\
agents       5 greedy with 105 workers without pause, 45 light with 45 workers
             thinking 100 ms in between
fairness     the 5 greedy agents had even shares: Jain's index is 0.998 (1: all
             the same, 0.2: one had all)

              workers  share  operations  wait p50  wait p99
greedy-1           21   18 %       1,234    5.0 ms    9.0 ms
greedy-2           21   18 %       1,234    5.0 ms    9.0 ms
greedy-3           21   18 %       1,234    5.0 ms    9.0 ms
all 5 greedy      105   90 %       6,170    5.0 ms    9.0 ms
all 45 light       45   10 %       6,170    5.0 ms    9.0 ms`);
  });

  test('are all there when they are few', () => {
    const few = lines({ agents: example.agents.slice(0, 5), kinds: [kind('greedy', 5)] });
    for (const { agentId } of example.agents.slice(0, 5)) {
      expect(few.filter((line) => line.startsWith(`${agentId} `))).toHaveLength(1);
    }
  });

  test('that were refused most often have a row too, and each limit a number', () => {
    const agents = example.agents.map((each) =>
      each.agentId === 'light-7' ? { ...each, refused: { maxRows: 12 } } : each,
    );
    const text = lines({ agents, refused: { maxRows: 12 } }, { limits: { maxRows: 9 } });
    expect(text).toContain('limits       maxRows 9, for each agent');
    expect(text).toContain('refused      12 times by maxRows');
    expect(text).toContainEqual(expect.stringMatching(/^light-7 .* 12$/));
    expect(text).toContainEqual(expect.stringMatching(/^greedy-1 .* 0$/));
    expect(text.some((line) => line.startsWith('light-1 '))).toBe(false);
  });

  test('have a column for each of several limits, where there is room', () => {
    const refused = { maxConnections: 3, operationsPerSecond: 4 };
    const agents = example.agents.map((each) => ({ ...each, refused }));
    expect(lines({ agents, refused }, {}, 120)).toContainEqual(
      expect.stringMatching(/wait p99 {2}maxConnections {2}operationsPerSecond$/),
    );
    expect(lines({ agents, refused })).toContainEqual(expect.stringMatching(/wait p99 {2}refused$/));
  });

  test.each([40, 60, 79, 80, 120])('fit %i columns', (columns) => {
    const refused = { maxConnections: 1_234_567, operationsPerSecond: 1_234_567, maxOperations: 7_654_321 };
    const agents = example.agents.map((each) => ({
      ...each,
      operations: 1_234_567,
      refused,
      agentId: `${each.agentId}000`,
    }));
    const text = lines({ agents, refused }, { weights: [1, 4], limits: { maxOperations: 1 } }, columns);
    expect(text.filter((line) => line.length > columns)).toEqual([]);
    expect(text.join('\n')).toMatch(/share.*(refused|maxConnections)/);
  });

  test('show the whole time of single calls, whose wait is not known apart', () => {
    const text = lines({}, {}, 80, true);
    expect(text).toContainEqual(expect.stringMatching(/call p50 {2}call p99$/));
    expect(text).toContainEqual(expect.stringMatching(/^greedy-1 .* 6\.0 ms +12 ms$/));
  });

  test('are called uneven with the reason for it', () => {
    const uneven = (own: Partial<KindFigures>): string =>
      lines({
        fairness: { kind: 'greedy', agents: 2, index: 0.6 },
        kinds: [kind('greedy', 2, own)],
      })
        .join(' ')
        .replace(/\s+/g, ' ');
    expect(uneven({})).toContain("had uneven shares: Jain's index is 0.600 (1: all the same, 0.5: one had all) ");
    expect(uneven({ timeWaited: 1 })).toContain('; they hardly waited, so each had what it asked for');
    expect(uneven({ refused: { maxRows: 1 } })).toContain('; limits refused part of what they wanted');
  });

  test('are not compared where there is nothing to compare', () => {
    expect(lines({ fairness: null })).toContainEqual(expect.stringMatching(/^fairness {5}no two agents want equally/));
    const idle = example.agents.map((each) => ({ ...each, busyTime: 0 }));
    expect(lines({ fairness: null, agents: idle })).toContain('fairness     no agent had a connection');
  });

  test('with weights show these, and are even for them', () => {
    const text = lines({}, { weights: [1, 4] }).join('\n');
    expect(text).toContain('had even shares for their weights');
    expect(text).toMatch(/^ +weight {2}workers/m);
  });
});
