import { describe, expect, test } from 'vitest';
import { ansi, type Paint, plain } from '../../src/cli/output.js';
import { widthOf } from '../../src/cli/top/terminal-text.js';
import { topScreen } from '../../src/cli/top/top-screen.js';
import type { TopView } from '../../src/cli/top/top-view.js';
import type { ConsoleSnapshot } from '../../src/console/index.js';
import { agentWith, cellWith, endpointWith, leaseWith, messageOf, snapshotWith } from './top-snapshot.js';

function viewOf(snapshot: ConsoleSnapshot | undefined, different: Partial<TopView> = {}): TopView {
  return {
    message: messageOf(snapshot),
    ...{ source: 'http://127.0.0.1:8010', lost: undefined, frozen: false, order: 'held', scrolled: 0, keys: true },
    ...different,
  };
}

function screen(
  view: TopView,
  { columns = 100, rows }: { columns?: number; rows?: number } = {},
  paint: Paint = plain,
): string[] {
  return topScreen(view, { columns, rows }, paint);
}

const esc = String.fromCharCode(27);
const codes = new RegExp(`${esc}\\[\\d+m`, 'g');

const many = snapshotWith({
  connections: { ...snapshotWith().connections, limit: 1_000, total: 1_000, leased: 600, idle: 400 },
  waiting: { callers: 10_000, oldest: 61_000 },
  verdict: {
    kind: 'pool',
    severity: 'critical',
    sentence: `The pool is too small: ${'all connections are in use, '.repeat(12)}10,000 callers wait.`,
  },
  failures: { ...snapshotWith().failures, duration: 60_000, timedOut: 1_234, turnedAway: 99 } as never,
  strip: Array.from({ length: 1_000 }, (_, id) =>
    cellWith({ id, endpoint: id % 3, state: id % 5 < 3 ? 'leased' : 'idle' }),
  ).sort((one, other) => one.endpoint - other.endpoint),
  endpoints: [1, 2, 3].map((server) => endpointWith({ url: `wss://db-${server}.eu-central.example.com:8000/rpc` })),
  leases: {
    shown: Array.from({ length: 200 }, (_, id) => leaseWith({ connection: id, held: 10 * id, endpoint: id % 3 })),
    more: 400,
  },
  agents: {
    ...{ open: 5_000, fairness: 0.8, more: 4_980 },
    shown: Array.from({ length: 20 }, (_, place) =>
      agentWith({ agentId: `agent-${place}`, refused: { maxWaiting: 3 } }),
    ),
  },
});

const asian = snapshotWith({
  pool: '注文データベース',
  verdict: { kind: 'caller', severity: 'warning', sentence: '데이터베이스가 느립니다 '.repeat(20) },
  agents: { open: 1, fairness: 1, more: 0, shown: [agentWith({ agentId: '客服機器人👩‍💻👍🏽'.repeat(8) })] },
  leases: { shown: [leaseWith({ agent: 'ร้านค้า', database: '데이터', statement: '選択 '.repeat(99) })], more: 0 },
});

const ownCodes = `${esc}[2J${esc}]0;owned\u0007\u009b31mred\u009d\r\n\u202e${esc}[6n`;
const hostile = snapshotWith({
  pool: `pool${ownCodes}`,
  state: `running${ownCodes}` as never,
  verdict: { kind: 'pool', severity: `fine${ownCodes}` as never, sentence: `Said${ownCodes} by ${ownCodes}` },
  endpoints: [endpointWith({ url: `ws://db${ownCodes}`, state: ownCodes as never, lastError: ownCodes })],
  strip: [cellWith({ state: ownCodes as never })],
  leases: {
    shown: [leaseWith({ agent: ownCodes, namespace: ownCodes, user: ownCodes, statement: `SELECT${ownCodes}` })],
    more: 0,
  },
  agents: { open: 1, fairness: 1, more: 0, shown: [agentWith({ agentId: ownCodes, refused: { [ownCodes]: 1 } })] },
  events: [{ id: 1, time: 0, name: 'opened', level: ownCodes as never, text: `event${ownCodes}`, count: 1 }],
});

const empty = snapshotWith({
  ...{ rates: undefined, failures: undefined, endpoints: [], strip: [], events: [] },
  leases: { shown: [], more: 0 },
});

const cases = { usual: snapshotWith(), many, asian, hostile, empty, none: undefined };
const sizes = [
  ...[1, 8, 20, 40, 79, 80, 200].flatMap((columns) => [1, 5, 10, 24, 60].map((rows) => ({ columns, rows }))),
];

describe.each(Object.entries(cases))('the screen of a pool: %s', (_name, snapshot) => {
  test.each(sizes)('fits into %j', (size) => {
    const lost = { since: 0, reason: `nothing listens there ${'x'.repeat(300)}` };
    for (const view of [viewOf(snapshot), viewOf(snapshot, { lost, frozen: true, keys: false })]) {
      const lines = screen(view, size);
      expect(lines.length).toBeLessThanOrEqual(size.rows);
      for (const line of lines) expect(widthOf(line), line).toBeLessThanOrEqual(size.columns);
    }
  });

  test('holds nothing that a terminal obeys, but for its own colours', () => {
    for (const columns of [40, 80, 200]) {
      const text = screen(viewOf(snapshot), { columns }, ansi).join('').replaceAll(codes, '');
      expect(text).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
      expect(screen(viewOf(snapshot), { columns }).join('')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    }
  });

  test('says the same without colours', () => {
    const coloured = screen(viewOf(snapshot), { columns: 120, rows: 50 }, ansi);
    expect(coloured.map((line) => line.replaceAll(codes, ''))).toEqual(
      screen(viewOf(snapshot), { columns: 120, rows: 50 }),
    );
  });
});

describe('the screen', () => {
  test('says the verdict first, then the numbers, then all else', () => {
    const lines = screen(viewOf(snapshotWith(), { keys: false }));
    expect(lines).toMatchInlineSnapshot(`
      [
        "shop/orders  running  12:01:05                                                 http://127.0.0.1:8010",
        "✓ Healthy: 3 of 20 connections in use, nobody waits.",
        "in use          waiting         oldest wait     acquires        acquire p99     failures        ",
        "3/20            0               –               812/s           6.1 ms          0/min           ",
        "Connections 5 of at most 20  U 3 used  I 2 idle",
        "UUUII",
        "Last minute      p50      p90      p99      max  number  p99",
        "wait         0.20 ms   1.1 ms   6.1 ms   9.0 ms     812  ▮▮▮▮▮▮▮▮▮▮",
        "query         2.0 ms   3.5 ms    12 ms    31 ms   1,624  ▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮",
        "lease         5.0 ms   8.0 ms    25 ms    40 ms     812  ▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮",
        "Leases 3    held▼   no call  agent  transaction  queries  database     user  last statement",
        "#3          3.0 s   calling                            3  shop/orders  root  SELECT * FROM order WH…",
        "#2          2.0 s   calling                            3  shop/orders  root  SELECT * FROM order WH…",
        "#1          1.0 s   calling                            3  shop/orders  root  SELECT * FROM order WH…",
        "Endpoints 1  state  breaker  connections  leases  share  round trip  next attempt  last error",
        "db:8000      well   closed             5       3  100 %     0.80 ms                ",
        "Events, the newest first",
        "12:00:59 · connection #5 was opened at db:8000 in 12 ms  2 times",
      ]
    `);
  });

  test('of 40 columns', () => {
    expect(screen(viewOf(many), { columns: 40, rows: 24 })).toMatchInlineSnapshot(`
      [
        "shop/orders  running  12:01:05",
        "✗ The pool is too small: all connections",
        "  are in use, all connections are in",
        "  use, all connections are in use, all …",
        "in use 600/1,000    waiting 10,000      ",
        "oldest wait 61 s    acquires 812/s      ",
        "acquire p99 6.1 ms  failures 1,333/min  ",
        "failures of the last minute: 1,234 time…",
        "Connections 1,000 of at most 1,000  U 6…",
        "db-1.eu-central.exa… UIUIUUIUIUUIUIUUIUI",
        "                     UUIUIUUIUIUUIUIUUIU",
        "                     IUUIUIUUIUIUUIUIUUI",
        "                     UIUU and 939 more",
        "Last minute      p50      p99      max",
        "wait         0.20 ms   6.1 ms   9.0 ms",
        "query         2.0 ms    12 ms    31 ms",
        "Leases 600    held▼   no call",
        "#199          2.0 s   calling",
        "… 599 more",
        "Endpoints 3                       state",
        "db-1.eu-central.example.com:8000  well",
        "Events, the newest first",
        "12:00:59 · connection #5 was opened at …",
        "q quit  p freeze  ↑↓ leases  ←→ by held",
      ]
    `);
  });

  test('of 200 columns', () => {
    expect(screen(viewOf(many), { columns: 200, rows: 30 })).toMatchInlineSnapshot(`
      [
        "shop/orders  running  12:01:05                                                                                                                                                     http://127.0.0.1:8010",
        "✗ The pool is too small: all connections are in use, all connections are in use, all connections are in use, all connections are in use, all connections are in use, all connections are in use, all",
        "  connections are in use, all connections are in use, all connections are in use, all connections are in use, all connections are in use, all connections are in use, 10,000 callers wait.",
        "in use              waiting             oldest wait         acquires            acquire p99         failures            ",
        "600/1,000           10,000              61 s                812/s               6.1 ms              1,333/min           ",
        "failures of the last minute: 1,234 timed out, 99 turned away",
        "Connections 1,000 of at most 1,000  U 600 used  I 400 idle",
        "db-1.eu-central.example… UIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIU",
        "                         UIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUI",
        "db-2.eu-central.example… UIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUI",
        "                         UIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIU",
        "db-3.eu-central.example… UUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUIUUIUI and 173 more",
        "Last minute      p50      p90      p99      max  number  p99",
        "wait         0.20 ms   1.1 ms   6.1 ms   9.0 ms     812  ▮▮▮▮▮▮▮▮▮▮",
        "query         2.0 ms   3.5 ms    12 ms    31 ms   1,624  ▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮",
        "lease         5.0 ms   8.0 ms    25 ms    40 ms     812  ▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮▮",
        "Leases 600    held▼   no call  agent  transaction  queries  database     user  at                        last statement",
        "#199          2.0 s   calling                            3  shop/orders  root  db-2.eu-central.example…  SELECT * FROM order WHERE customer = $customer",
        "#198          2.0 s   calling                            3  shop/orders  root  db-1.eu-central.example…  SELECT * FROM order WHERE customer = $customer",
        "… 598 more",
        "Agents 5,000  connections  waiting  longest wait  operations   busy  transactions  weight  state  refused",
        "agent-0                 2        1         12 ms         900  4.0 s             0       1  open   3 maxWaiting",
        "agent-1                 2        1         12 ms         900  4.0 s             0       1  open   3 maxWaiting",
        "… 4,998 more",
        "Endpoints 3                       state  breaker  connections  leases  share  round trip  next attempt  last error",
        "db-1.eu-central.example.com:8000  well   closed             5       3  100 %     0.80 ms                ",
        "… 2 more",
        "Events, the newest first",
        "12:00:59 · connection #5 was opened at db:8000 in 12 ms  2 times",
        "q quit  p freeze  ↑↓ leases  ←→ by held",
      ]
    `);
  });

  test('is as high as the terminal when there is enough to show', () => {
    for (const rows of [24, 30, 40, 60]) expect(screen(viewOf(many), { columns: 80, rows })).toHaveLength(rows);
  });

  test('tells states of connections by letters', () => {
    const strip = [
      cellWith({ id: 1, state: 'leased' }),
      cellWith({ id: 2, state: 'leased', idle: 999 }),
      cellWith({ id: 3, state: 'leased', idle: 1_000 }),
      cellWith({ id: 4, state: 'leased', idle: 5_000, shared: 2 }),
      cellWith({ id: 5, state: 'idle' }),
      cellWith({ id: 6, state: 'opening' }),
      cellWith({ id: 7, state: 'validating' }),
      cellWith({ id: 8, state: 'resetting' }),
      cellWith({ id: 9, state: 'closing' }),
      cellWith({ id: 10, state: 'frozen' as never }),
    ];
    const lines = screen(viewOf(snapshotWith({ strip })), { columns: 200 });
    const place = lines.findIndex((line) => line.startsWith('Connections'));
    expect(lines[place]).toBe(
      'Connections 5 of at most 20  U 2 used  S 1 shared by single calls  H 1 held without a call  I 1 idle  O 1 opening  P 1 probed  R 1 reset  C 1 closing  ? 1 of another state',
    );
    expect(lines[place + 1]).toBe('UUHSIOPRC?');
  });

  test('counts the connections that have no room', () => {
    const strip = Array.from({ length: 1_000 }, (_, id) => cellWith({ id }));
    const lines = screen(viewOf(snapshotWith({ strip })), { columns: 40, rows: 14 });
    const shown = lines.filter((line) => /^I+/.test(line)).map((line) => /^I+(.*)$/.exec(line)?.[0] ?? '');
    const letters = shown.join('').replace(/[^I]/g, '').length;
    const more = /and ([\d,]+) more$/.exec(shown.at(-1) ?? '')?.[1]?.replace(',', '');
    expect(letters + Number(more)).toBe(1_000);
  });

  test('puts leases in another order, and moves through them', () => {
    const shown = [
      leaseWith({ connection: 1, held: 3_000, queries: 1, transactionFor: 10, idle: 5 }),
      leaseWith({ connection: 2, held: 2_000, queries: 9, transactionFor: undefined, idle: 1_500 }),
      leaseWith({ connection: 3, held: 1_000, queries: 5, transactionFor: 900, shared: 2, idle: 9_000 }),
    ];
    const numbers = (different: Partial<TopView>): string[] =>
      screen(viewOf(snapshotWith({ leases: { shown, more: 0 } }), different)).flatMap(
        (line) => /^#\d/.exec(line)?.[0] ?? [],
      );
    expect(numbers({ order: 'held' })).toEqual(['#1', '#2', '#3']);
    expect(numbers({ order: 'no call' })).toEqual(['#2', '#1', '#3']);
    expect(numbers({ order: 'transaction' })).toEqual(['#3', '#1', '#2']);
    expect(numbers({ order: 'queries' })).toEqual(['#2', '#3', '#1']);
    expect(numbers({ scrolled: 1 })).toEqual(['#2', '#3']);
    expect(numbers({ scrolled: 99 })).toEqual(['#3']);
  });

  test('says since when nothing comes, why, and what is frozen', () => {
    const since = new Date(2026, 10, 28, 12, 3, 4).getTime();
    const lines = screen(viewOf(snapshotWith(), { lost: { since, reason: 'nothing listens there' }, frozen: true }));
    expect(lines[0]).toMatch(/^shop\/orders {2}running {2}12:01:05 {2}FROZEN/);
    expect(lines[1]).toBe('STALE since 12:03:04, trying again: nothing listens there');
    expect(lines.at(-1)).toMatch(/ p go on /);
  });

  test('names all pools, and the shown one in brackets', () => {
    const message = messageOf(snapshotWith(), ['billing', 'audit']);
    const lines = screen(viewOf(undefined, { message }));
    expect(lines).toContain('pools  ✓ [shop/orders]  ✓ billing  ✓ audit');
    expect(lines.at(-1)).toMatch(/tab next pool$/);
    expect(screen(viewOf(undefined, { message: messageOf(undefined, ['billing']) })).join('\n')).toMatch(
      /The pool is not there any more\./,
    );
    expect(screen(viewOf(undefined)).join('\n')).toMatch(/The server has no pool now\./);
  });
});
