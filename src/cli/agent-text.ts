import type { GivenLimits } from '../agents/limits.js';
import { type AgentFigures, type AgentsFigures, type KindFigures, timesRefused } from './agent-figures.js';
import { formatCount, formatDuration, formatNumber, formatPercent, formatRoundDuration } from './formats.js';
import type { LoadReport } from './load-report.js';

/** How many agents have a row of their own: those with the largest share, and those that were refused most often. */
const largest = 3;
const mostRefused = 2;

/** Writes a labelled line, or several in few columns. */
type Row = (label: string, text: string) => string[];

/** The agents of a load side by side; nothing when there were none. */
export function agentLines({ load, agents }: LoadReport, row: Row, width: number): string[] {
  if (agents === null || load.agents === null) return [];
  return [
    ...row('agents', kindsText(agents.kinds, load.agents.think)),
    ...limitsText(load.agents.limits, row),
    ...row('fairness', fairnessText(agents, load.agents.weights)),
    ...refusedText(agents, row),
    '',
    ...table(agents, load.singleCalls, new Set(load.agents.weights).size > 1, width),
  ];
}

/** The agents at one moment in one line. */
export interface AgentsAtWork {
  readonly count: number;
  /** Undefined while no agent has had a connection. */
  readonly greediest: { readonly agentId: string; readonly share: number } | undefined;
  /** Undefined while none was refused. */
  readonly mostRefused: { readonly agentId: string; readonly times: number } | undefined;
}

export function agentsAtWorkText({ count, greediest, mostRefused }: AgentsAtWork): string {
  return [
    formatNumber(count, 'agent'),
    ...(greediest === undefined ? [] : [`largest share ${greediest.agentId} ${formatPercent(greediest.share)}`]),
    mostRefused === undefined
      ? 'none refused'
      : `most refused ${mostRefused.agentId} ${formatNumber(mostRefused.times, 'time')}`,
  ].join('  ');
}

function kindsText(kinds: readonly KindFigures[], think: number): string {
  return kinds
    .map(({ kind, agents, workers }) => {
      const how = kind === 'greedy' ? 'without pause' : `thinking ${formatRoundDuration(think)} in between`;
      return `${formatCount(agents)} ${kind} with ${formatNumber(workers, 'worker')} ${how}`;
    })
    .join(', ');
}

function limitsText(limits: GivenLimits, row: Row): string[] {
  const texts = Object.entries(limits).map(([name, value]) => `${name} ${value}`);
  return texts.length === 0 ? [] : row('limits', `${texts.join(', ')}, for each agent`);
}

/** What Jain's index says of shares in words. */
function evenness(index: number): string {
  if (index >= 0.99) return 'even';
  return index >= 0.9 ? 'nearly even' : 'uneven';
}

function fairnessText({ fairness, agents, kinds }: AgentsFigures, weights: readonly number[]): string {
  if (fairness === null) {
    return agents.some(({ busyTime }) => busyTime > 0)
      ? 'no two agents want equally much, so there is nothing to compare'
      : 'no agent had a connection';
  }
  const { kind, agents: count, index } = fairness;
  const by = new Set(weights).size > 1 ? ' for their weights' : '';
  const together = kinds.find((figures) => figures.kind === kind);
  const why = index >= 0.99 || together === undefined ? '' : reasonOf(together);
  const meaning = `1: all the same, ${(1 / count).toPrecision(1)}: one had all`;
  return `the ${formatCount(count)} ${kind} agents had ${evenness(index)} shares${by}: Jain's index is ${index.toFixed(3)} (${meaning})${why}`;
}

/** A share below this of their time, waiting for connections, is hardly a wait. */
const leastShareOfWait = 0.2;

/** Why shares may differ though the pool is fair: it shares fairly only what callers wait for. */
function reasonOf({ refused, timeWaited, busyTime }: KindFigures): string {
  if (timesRefused(refused) > 0) return '; limits refused part of what they wanted';
  const waited = timeWaited >= leastShareOfWait * (timeWaited + busyTime);
  return waited ? '' : '; they hardly waited, so each had what it asked for';
}

function refusedText({ refused }: AgentsFigures, row: Row): string[] {
  const limits = Object.entries(refused);
  if (limits.length === 0) return [];
  return row('refused', limits.map(([limit, count]) => `${formatNumber(count, 'time')} by ${limit}`).join(', '));
}

interface Column {
  readonly title: string;
  /** The cell of a single agent, or of all agents of a kind. */
  readonly cell: (figures: AgentFigures | KindFigures) => string;
  /** Columns with higher numbers are left out first where there is no room. */
  readonly leftOut: number;
}

function table(agents: AgentsFigures, singleCalls: boolean, weighted: boolean, width: number): string[] {
  const singled = shown(agents.agents);
  const together = agents.kinds.filter(({ agents: count }) => count > 1);
  const rows = [...singled, ...together];
  const limits = Object.keys(agents.refused) as (keyof AgentsFigures['refused'])[];
  const byLimit: Column[] = limits.map((limit) => ({
    title: limit,
    cell: ({ refused }) => formatCount(refused[limit] ?? 0),
    leftOut: 0,
  }));
  const inAll: Column = { title: 'refused', cell: ({ refused }) => formatCount(timesRefused(refused)), leftOut: 0 };
  const columns = columnsOf(singleCalls, weighted);
  // With several limits each has a column, where there is room for all.
  const choices = limits.length > 1 ? [[...columns, ...byLimit]] : [];
  const refusals = limits.length === 0 ? [] : [inAll];
  for (const most of [5, 4, 3, 2, 1, 0])
    choices.push([...columns.filter(({ leftOut }) => leftOut <= most), ...refusals]);
  const drawn = choices.map((choice) => draw(choice, rows));
  return drawn.find((lines) => lines.every((line) => line.length <= width)) ?? drawn.at(-1) ?? [];
}

function columnsOf(singleCalls: boolean, weighted: boolean): Column[] {
  // How long a single call waited for its connection is not known apart.
  const [title, times] = singleCalls ? ['call', 'latency' as const] : ['wait', 'wait' as const];
  const time = (name: 'p50' | 'p99') => (figures: AgentFigures | KindFigures) =>
    figures[times].count === 0 ? '–' : formatDuration(figures[times][name]);
  const weight: Column = {
    title: 'weight',
    cell: (figures) => ('weight' in figures ? String(figures.weight) : ''),
    leftOut: 3,
  };
  return [
    ...(weighted ? [weight] : []),
    { title: 'workers', cell: ({ workers }) => formatCount(workers), leftOut: 5 },
    { title: 'share', cell: ({ share }) => formatPercent(share), leftOut: 0 },
    { title: 'operations', cell: ({ operations }) => formatCount(operations), leftOut: 4 },
    { title: `${title} p50`, cell: time('p50'), leftOut: 2 },
    { title: `${title} p99`, cell: time('p99'), leftOut: 1 },
  ];
}

/** All agents when they are few; otherwise those with the largest share, and those that were refused most often. */
function shown(agents: readonly AgentFigures[]): readonly AgentFigures[] {
  if (agents.length <= largest + mostRefused) return agents;
  const top = agents.slice(0, largest);
  const refused = agents
    .slice(largest)
    .filter((agent) => timesRefused(agent.refused) > 0)
    .sort((one, other) => timesRefused(other.refused) - timesRefused(one.refused));
  return [...top, ...refused.slice(0, mostRefused)];
}

function draw(columns: readonly Column[], rows: readonly (AgentFigures | KindFigures)[]): string[] {
  const labels = ['', ...rows.map(labelOf)];
  const cells = columns.map(({ title, cell }) => [title, ...rows.map(cell)]);
  const widthOf = (texts: readonly string[]): number => Math.max(...texts.map((text) => text.length));
  return labels.map((label, index) =>
    [label.padEnd(widthOf(labels)), ...cells.map((texts) => (texts[index] ?? '').padStart(widthOf(texts) + 2))]
      .join('')
      .trimEnd(),
  );
}

function labelOf(figures: AgentFigures | KindFigures): string {
  return 'agentId' in figures ? figures.agentId : `all ${formatCount(figures.agents)} ${figures.kind}`;
}
