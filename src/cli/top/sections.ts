import type {
  ConsoleSnapshot,
  RecentEvent,
  SnapshotAgent,
  SnapshotEndpoint,
  SnapshotLease,
} from '../../console/index.js';
import { addressInShort } from '../../verdict/words.js';
import { formatCount, formatDuration, formatPercent } from '../formats.js';
import type { Style } from '../output.js';
import { heldWithoutCall, stripLegend, stripLines } from './strip.js';
import type { Line, Span } from './styled-line.js';
import { type Column, table } from './table.js';
import type { LeaseOrder } from './top-view.js';

/** A part of the screen with a head and lines, of which it shows as many as there is room for. */
export interface Section {
  readonly head: Line;
  /** How many lines it has in all, without its head. */
  readonly wanted: number;
  /** With fewer lines than this it is of no use. */
  readonly least: number;
  /** Its first lines. The last says how many more there are. */
  readonly lines: (most: number) => readonly Line[];
}

/** How many lines of each section are shown where the height is not limited. */
export const usualLines = 12;

/** The width of most durations. */
const time = 7;

function listed(head: Line, rows: readonly Line[], least: number, more = 0): Section {
  return {
    head,
    wanted: rows.length + (more > 0 ? 1 : 0),
    least: Math.min(least, rows.length),
    lines: (most) => {
      if (more === 0 && rows.length <= most) return rows;
      // One line says more than how many there are.
      if (most === 1) return rows.slice(0, 1);
      const shown = rows.slice(0, Math.max(0, most - 1));
      return [...shown, [['dim', `… ${formatCount(rows.length - shown.length + more)} more`]]];
    },
  };
}

export function stripSection(snapshot: ConsoleSnapshot, columns: number): Section | undefined {
  const most = Math.ceil(snapshot.strip.length / Math.max(1, columns)) + 2 * snapshot.endpoints.length;
  const wanted = Math.min(usualLines, stripLines(snapshot, columns, most).length);
  return {
    head: stripLegend(snapshot),
    wanted,
    least: Math.min(3, snapshot.endpoints.length, wanted),
    lines: (lines) => stripLines(snapshot, columns, lines),
  };
}

const widestBar = 40;

/** Waits beside queries: which of the two is long says whether the pool or the database is slow. */
export function timesSection({ waitTime, queryTime, leaseTime }: ConsoleSnapshot, columns: number): Section {
  const times = [
    { name: 'wait', time: waitTime },
    { name: 'query', time: queryTime },
    { name: 'lease', time: leaseTime },
  ];
  const longest = Math.max(waitTime.p99, queryTime.p99, leaseTime.p99);
  const bar = (share: number): string => '▮'.repeat(longest === 0 ? 0 : Math.ceil((share / longest) * widestBar));
  const shown = (count: number, time: number): string => (count === 0 ? '–' : formatDuration(time));
  const column = (title: string, pick: (time: (typeof times)[number]['time']) => number, rank: number) => ({
    ...{ title, rank, side: 'right' as const, least: time },
    text: ({ time }: (typeof times)[number]) => shown(time.count, pick(time)),
  });
  const { head, rows } = table(
    [
      { title: 'Last minute', text: ({ name }) => name, rank: 0 },
      column('p50', ({ p50 }) => p50, 1),
      column('p90', ({ p90 }) => p90, 4),
      column('p99', ({ p99 }) => p99, 2),
      column('max', ({ max }) => max, 3),
      { title: 'number', text: ({ time }) => formatCount(time.count), rank: 5, side: 'right' },
      { title: 'p99', text: ({ time }) => bar(time.p99), rank: 6 },
    ],
    times,
    columns,
  );
  return { head, wanted: rows.length, least: 2, lines: (most) => rows.slice(0, most) };
}

const orders: Readonly<Record<LeaseOrder, (lease: SnapshotLease) => number>> = {
  held: ({ held }) => held,
  // Those that call have no time without a call; those that share one are held by nobody.
  'no call': ({ idle, shared }) => (shared > 0 ? -1 : (idle ?? 0)),
  transaction: ({ transactionFor }) => transactionFor ?? -1,
  queries: ({ queries }) => queries,
};

function doing({ shared, idle }: SnapshotLease): string {
  if (shared > 0) return `shared by ${formatCount(shared)}`;
  return idle === undefined ? 'calling' : formatDuration(idle);
}

export function leasesSection(
  { leases: { shown, more }, endpoints }: ConsoleSnapshot,
  order: LeaseOrder,
  scrolled: number,
  columns: number,
): Section {
  const sorted = [...shown].sort((one, other) => orders[order](other) - orders[order](one));
  const first = Math.max(0, Math.min(scrolled, sorted.length - 1));
  const rows = sorted.slice(first);
  const mark = (title: LeaseOrder): string => (title === order ? `${title}▼` : title);
  const style = ({ shared, idle }: SnapshotLease): Style | undefined =>
    shared === 0 && (idle ?? 0) >= heldWithoutCall ? 'red' : undefined;
  const number = `Leases ${formatCount(shown.length + more)}${first > 0 ? `, from ${formatCount(first + 1)}` : ''}`;
  if (rows.length === 0) return listed([['dim', 'Leases none']], [], 0);
  const several = endpoints.length > 1;
  const all: Column<SnapshotLease>[] = [
    { title: number, text: ({ connection }) => `#${connection}`, rank: 0 },
    { title: mark('held'), text: ({ held }) => formatDuration(held), rank: 1, side: 'right', least: time },
    { title: mark('no call'), text: doing, rank: 2, side: 'right', least: time + 1, style },
    { title: 'agent', text: ({ agent }) => agent ?? '', rank: 4, most: 24 },
    {
      title: mark('transaction'),
      text: ({ transactionFor }) => (transactionFor === undefined ? '' : formatDuration(transactionFor)),
      rank: order === 'transaction' ? 2 : 6,
      side: 'right',
    },
    {
      title: mark('queries'),
      text: ({ queries, shared }) => (shared > 0 ? '' : formatCount(queries)),
      rank: order === 'queries' ? 2 : 5,
      side: 'right',
    },
    { title: 'database', text: ({ namespace, database }) => `${namespace}/${database}`, rank: 7, most: 24 },
    { title: 'user', text: ({ user }) => user, rank: 9, most: 16 },
    { title: 'at', text: ({ endpoint }) => addressInShort(endpoints[endpoint]?.url ?? 'removed'), rank: 8, most: 24 },
    // Its width is what is left, so that it is never the reason to leave out another.
    { title: 'last statement', text: ({ statement }) => statement ?? '', rank: 3, most: 14 },
  ];
  const { head, rows: written } = table(
    all.filter(({ title }) => several || title !== 'at'),
    rows,
    columns,
  );
  return listed(head, written, 2, more);
}

export function agentsSection({ agents }: ConsoleSnapshot, columns: number): Section | undefined {
  if (agents.open === 0 && agents.shown.length === 0) return undefined;
  const number = (title: string, pick: (agent: SnapshotAgent) => number, rank: number): Column<SnapshotAgent> => ({
    ...{ title, rank, side: 'right' as const },
    text: (agent) => formatCount(pick(agent)),
  });
  const refusals = ({ refused }: SnapshotAgent): string =>
    Object.entries(refused)
      .filter(([, count]) => count > 0)
      .map(([limit, count]) => `${formatCount(count)} ${limit}`)
      .join(', ');
  const { head, rows } = table<SnapshotAgent>(
    [
      { title: `Agents ${formatCount(agents.open)}`, text: ({ agentId }) => agentId, rank: 0, most: 28 },
      number('connections', ({ connections }) => connections, 1),
      number('waiting', ({ waiting }) => waiting, 2),
      { title: 'longest wait', text: ({ longestWait }) => formatDuration(longestWait), rank: 4, side: 'right' },
      number('operations', ({ operations }) => operations, 5),
      { title: 'busy', text: ({ busyTime }) => formatDuration(busyTime), rank: 6, side: 'right' },
      number('transactions', ({ openTransactions }) => openTransactions, 8),
      number('weight', ({ weight }) => weight, 9),
      { title: 'state', text: ({ state }) => state, rank: 7 },
      { title: 'refused', text: refusals, rank: 3, style: () => 'yellow' },
    ],
    agents.shown,
    columns,
  );
  return listed(head, rows, 2, agents.more);
}

const endpointStyles: Readonly<Record<string, Style>> = { well: 'green', doubtful: 'yellow', out: 'red' };

export function endpointsSection({ endpoints }: ConsoleSnapshot, columns: number): Section | undefined {
  if (endpoints.length === 0) return undefined;
  const { head, rows } = table<SnapshotEndpoint>(
    [
      {
        title: `Endpoints ${formatCount(endpoints.length)}`,
        text: ({ url }) => addressInShort(url),
        rank: 0,
        most: 40,
      },
      { title: 'state', text: ({ state }) => state, rank: 1, style: ({ state }) => endpointStyles[state] },
      { title: 'breaker', text: ({ circuit }) => circuit, rank: 4 },
      {
        title: 'connections',
        text: ({ connections, opening }) =>
          formatCount(connections) + (opening > 0 ? ` + ${formatCount(opening)}` : ''),
        rank: 2,
        side: 'right',
      },
      { title: 'leases', text: ({ inUse }) => formatCount(inUse), rank: 5, side: 'right' },
      { title: 'share', text: ({ share }) => formatPercent(100 * share), rank: 7, side: 'right' },
      {
        title: 'round trip',
        text: ({ latency }) => (latency === undefined ? '–' : formatDuration(latency)),
        rank: 6,
        side: 'right',
      },
      {
        title: 'next attempt',
        text: ({ nextProbeIn }) => (nextProbeIn > 0 ? `in ${formatDuration(nextProbeIn)}` : ''),
        rank: 8,
        side: 'right',
      },
      { title: 'last error', text: ({ lastError }) => lastError ?? '', rank: 3, most: 20 },
    ],
    endpoints,
    columns,
  );
  return listed(head, rows, 1);
}

const eventMarks: Readonly<Record<RecentEvent['level'], Span>> = {
  info: ['dim', '·'],
  warning: ['yellow', '!'],
  error: ['red', '✗'],
};

export function eventsSection({ events }: ConsoleSnapshot): Section | undefined {
  if (events.length === 0) return undefined;
  const rows = events.map(({ time, level, text, count }): Line => {
    const mark = Object.hasOwn(eventMarks, level) ? eventMarks[level] : '?';
    return [['dim', clockTime(time)], ' ', mark, ` ${text}`, ['dim', count > 1 ? `  ${formatCount(count)} times` : '']];
  });
  return listed([['dim', 'Events, the newest first']], rows, 2);
}

/** The time of day here: `12:01:05`. */
export function clockTime(time: number): string {
  const date = new Date(time);
  const two = (value: number): string => String(value).padStart(2, '0');
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
}
