import { changedLimits, type GivenLimits, noLimits } from '../agents/limits.js';
import { Refusal, show } from '../config/refusal.js';
import { ConfigurationError } from '../errors/configuration.js';
import type { CommandLine, OptionDescriptions } from './command-line.js';
import type { AgentPlan } from './load-plan.js';
import { countFrom, readTime } from './option-readers.js';

export type AgentOption = 'agents' | 'greedy' | 'think' | 'agent-limit' | 'weights';

export const agentDescriptions: OptionDescriptions<AgentOption> = {
  agents: { value: '<count>', help: 'agent sessions that share the workers' },
  greedy: { value: '<count>', help: 'of them never pause, and share most (a tenth)' },
  think: { value: '<time>', help: 'the others do, with one worker each (100ms)' },
  'agent-limit': { value: '<limits>', help: "of each agent: 'maxConnections=2,maxRows=9'" },
  weights: { value: '<list>', help: 'of the agents in turn: 1,1,4 (1)' },
};

/** More sessions than this are no test of a pool, but of the memory of this process. */
const mostAgents = 10_000;
const initialThink = 100;
/** How many workers there are for each agent, when no number is given. */
export const workersForAgent = 3;

/** The agents of the load; null when it has none. Refuses the options of agents where there are none. */
export function readAgents(line: CommandLine<AgentOption>): AgentPlan | null {
  const count = line.read('agents', readCount);
  const greedy = line.read('greedy', countFrom(0));
  const think = line.read('think', readTime);
  const weights = line.read('weights', readWeights);
  const limits = readLimits(line);
  if (!line.has('agents')) {
    for (const name of ['greedy', 'think', 'agent-limit', 'weights'] as const) {
      if (line.has(name)) line.refuse(name, new Refusal('only with --agents', 'without it'));
    }
    return null;
  }
  // A number that was refused is told already.
  if (count === undefined) return null;
  if (greedy !== undefined && greedy > count) {
    line.refuse('greedy', new Refusal(`at most --agents, which is ${count}`, show(greedy)));
  }
  const plan: AgentPlan = {
    count,
    greedy: greedy ?? Math.max(1, Math.floor(count / 10)),
    think: think ?? initialThink,
    weights: weights ?? [1],
    limits,
  };
  if (plan.weights.length > count) {
    line.refuse('weights', new Refusal(`at most as many as --agents, which is ${count}`, show(plan.weights.length)));
  }
  if (line.has('think') && plan.greedy >= count) {
    line.refuse('think', new Refusal('only with agents that are not greedy: see --greedy', `all ${count} greedy`));
  }
  return plan;
}

function readCount(text: string): number | Refusal {
  const count = countFrom(1)(text);
  return typeof count === 'number' && count > mostAgents ? new Refusal(`at most ${mostAgents}`, show(text)) : count;
}

function readWeights(text: string): number[] | Refusal {
  const weights = text.split(',').map((part) => (/^\s*\d+(\.\d+)?\s*$/.test(part) ? Number(part) : 0));
  return weights.every((weight) => weight > 0)
    ? weights
    : new Refusal('numbers of more than 0, separated by commas, such as 1,1,4', show(text));
}

/** The limits as `createSession()` takes them, refused in the words of its own reader. */
function readLimits(line: CommandLine<AgentOption>): GivenLimits {
  const given: Record<string, unknown> = {};
  for (const text of line.all('agent-limit').flatMap((list) => list.split(','))) {
    const [, name, value] = /^\s*(\w+)\s*=\s*(\S+)\s*$/.exec(text) ?? [];
    if (name === undefined || value === undefined) {
      const allowed = 'names with values, such as maxConnections=2,operationsPerSecond=50';
      line.refuse('agent-limit', new Refusal(allowed, show(text)));
      return noLimits;
    }
    given[name] = /^\d+(\.\d+)?$/.test(value) ? Number(value) : value;
  }
  try {
    return changedLimits(noLimits, given);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    for (const { path, given: found, allowed } of error.issues) {
      // There is no null on a command line: the default is what holds without the limit.
      const here = allowed.replaceAll('limits.', '').replace(/; null for .*$/, '');
      line.refuse('agent-limit', new Refusal(here, `${path.replace('limits.', '')} ${found}`));
    }
    return noLimits;
  }
}
