import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { LoadReport } from '../../src/cli/load-report.js';
import type { ScenarioReport } from '../../src/cli/scenario-report.js';
import type { SweepReport } from '../../src/cli/sweep-report.js';
import { SharedEngine } from '../support/shared-engine.js';
import { surroundings } from '../support/surroundings.js';
import { rocksdbUrl } from '../support/temporary.js';
import { Command, type Outcome, run } from './command.js';

const place = { namespace: 'load', database: 'load' };

const own = surroundings();

function load(...parameters: string[]): Promise<Outcome> {
  return run(['load', '--duration', '1s', ...parameters]);
}

function reportIn({ stdout }: Outcome): LoadReport {
  return JSON.parse(stdout) as LoadReport;
}

/** Whatever happened, every operation is in exactly one place. */
function expectToAgree({ operations, errors, wait, query, latency, latencyDistribution }: LoadReport): void {
  const { total, reads, writes } = operations;
  expect(reads + writes + operations.errors).toBe(total);
  expect(Object.values(errors).reduce((sum, { count }) => sum + count, 0)).toBe(operations.errors);
  expect(wait.count).toBe(total);
  expect(latency.count).toBe(total);
  expect(query.count).toBeLessThanOrEqual(total);
  expect(latencyDistribution.reduce((sum, { count }) => sum + count, 0)).toBe(total);
}

/** Writes that meet each other are no fault of anybody, and whether they do is chance. */
function expectOnlyConflicts({ errors, operations }: LoadReport): void {
  expect(Object.keys(errors).filter((name) => name !== 'conflict')).toEqual([]);
  expect(operations.total).toBeGreaterThan(operations.errors);
}

/** The tables of all runs: each removes its own. */
async function tablesLeft(): Promise<string[]> {
  const [database] = await own.engine.query('INFO FOR DB', place);
  return Object.keys((database as { tables: object }).tables);
}

describe('a run in memory', () => {
  test('reports within 80 columns and 24 lines, on stdout, and progress on stderr', async () => {
    const { code, stdout, stderr } = await load(
      '--mix',
      'read=1',
      '--progress',
      '250ms',
      '--assert',
      'errors=0,dropped=0',
    );
    expect(code).toBe(0);
    const lines = stdout.split('\n');
    expect(lines.length).toBeLessThanOrEqual(24);
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(stdout).toMatch(/^ {2}✓ errors=0 +0$/m);
    expect(stdout).toMatch(/^operations +[\d,]+ in \d.* reads?, [\d,]+ writes?, 0 errors$/m);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: no styles where there is no terminal
    expect(stdout + stderr).not.toMatch(/\u001b/);
    expect(stderr).toMatch(/^progress: \d+\.\d s, [\d.]+ ops\/s, used \d+\/20, waiting \d+, .*, 0 errors$/m);
  });

  test('reports as JSON and nothing else, with counts that agree', async () => {
    const outcome = await load('--json', '--workers', '4', '--pool-max', '2', '--mix', 'read=1,write=1');
    expect(outcome.code).toBe(0);
    const report = reportIn(outcome);
    expectToAgree(report);
    expectOnlyConflicts(report);
    expect(report.operations).toMatchObject({ unfinished: 0, dropped: 0 });
    expect(report.operations.reads).toBeGreaterThan(0);
    expect(report.operations.writes).toBeGreaterThan(0);
    expect(report.load).toMatchObject({ endpoint: 'mem://', workers: 4, rate: null, duration: 1_000 });
    expect(report.pool).toMatchObject({ maxConnections: 2, minConnections: 2, closed: 0 });
    expect(report).toMatchObject({ interrupted: null, assertions: [], verdict: { sentence: expect.any(String) } });
  });

  test('at a rate begins no more operations than were due', async () => {
    const outcome = await load('--json', '--rate', '100', '--mix', 'read=1', '--progress', '0');
    const { operations, elapsed, load: done } = reportIn(outcome);
    expect(done).toMatchObject({ workers: null, rate: 100 });
    // The first one is due at once.
    expect(operations.total + operations.unfinished).toBeLessThanOrEqual(1 + elapsed / 10);
    expect(operations.total).toBeGreaterThan(0);
    expect(operations.writes).toBe(0);
    expect(outcome.stderr).toBe('');
  });

  test('exits 99 when an assertion fails, and says which', async () => {
    const text = await load('--mix', 'read=1', '--assert', 'errors=0', '--assert', 'throughput<1');
    expect(text.code).toBe(99);
    expect(text.stdout).toMatch(/✓ errors=0/);
    expect(text.stdout).toMatch(/✗ throughput<1/);

    const json = await load('--json', '--assert', 'throughput<1', '--progress', '0');
    expect(json.code).toBe(99);
    expect(reportIn(json).assertions).toMatchObject([{ text: 'throughput<1', passed: false }]);
    expect(json.stderr).toMatch(/^ {2}✗ throughput<1 /);
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s stops it, drains it, and it still reports', async (signal, code) => {
    const command = new Command(['load', '--json', '--duration', '1h', '--progress', '100ms']);
    await command.told(/^progress: /m);
    command.signal(signal);
    const outcome = await command.ended;
    expect(outcome.code).toBe(code);
    const report = reportIn(outcome);
    expectToAgree(report);
    expect(report.interrupted).toBe(signal);
    expect(report.operations.total).toBeGreaterThan(0);
    expect(report.verdict.sentence).toMatch(new RegExp(`^Stopped by ${signal} after`));
  });
});

describe('a run against a server', () => {
  test('works over WebSockets, and leaves nothing behind', async () => {
    const front = await own.listen();
    const outcome = await load('--json', '--endpoint', front.url, '--workers', '4', '--pool-max', '3');
    expect(outcome.code).toBe(0);
    const report = reportIn(outcome);
    expectToAgree(report);
    expectOnlyConflicts(report);
    expect(report.pool.opened).toBe(3);
    expect(front.accepted).toBe(3);
    expect(front.connections).toBe(0);
    expect(await tablesLeft()).toEqual([]);
  });

  test('goes on when connections are lost, and counts what that cost', async () => {
    const front = await own.listen();
    const command = new Command(['load', '--json', '--duration', '2s', '--progress', '100ms', '--endpoint', front.url]);
    await command.told(/^progress: /m);
    front.dropAll();
    const outcome = await command.ended;
    expect(outcome.code).toBe(0);
    const report = reportIn(outcome);
    expectToAgree(report);
    expect(report.errors).toMatchObject({ ERR_POOL_CONNECTION_LOST: { count: expect.any(Number) } });
    expect(report.pool.closedBy.died).toBeGreaterThan(0);
    expect(report.verdict.finding).toBe('errors');
    expect(await tablesLeft()).toEqual([]);
  });

  test('signs in with what the environment says', async () => {
    const front = await own.listen({ auth: true });
    const environment = { SURREAL_POOL_USERNAME: 'root', SURREAL_POOL_PASSWORD: 'secret' };
    const parameters = ['load', '--duration', '100ms', '--json', '--endpoint', front.url];
    const outcome = await run(parameters, environment);
    expect(outcome.code).toBe(0);
    expectOnlyConflicts(reportIn(outcome));
    expect(outcome.stdout + outcome.stderr).not.toContain('secret');
  });

  test('says so when the server stops answering, instead of only timing what it did answer', async () => {
    const front = await own.listen();
    const parameters = ['--json', '--workers', '3', '--pool-max', '2', '--progress', '100ms', '--endpoint', front.url];
    const command = new Command(['load', '--duration', '1h', ...parameters]);
    await command.told(/^progress: /m);
    front.onRequest = () => 'swallow';
    await command.told(/ 0\.0 ops\/s, used 2\/2, waiting 1,/);
    command.signal('SIGINT');
    const { code, stdout, stderr } = await command.ended;
    expect(code).toBe(130);
    const report: LoadReport = JSON.parse(stdout);
    expectToAgree(report);
    expect(report.operations).toMatchObject({ unfinished: 3, unanswered: 2 });
    expect(report.verdict).toMatchObject({
      finding: 'database',
      sentence: expect.stringContaining('stopped answering'),
    });
    expect(stderr).toContain('surreal-pool: the test table could not be removed');
  });

  test('a second signal ends it at once, also when the server answers no more', async () => {
    const front = await own.listen();
    const command = new Command(['load', '--duration', '1h', '--progress', '100ms', '--endpoint', front.url]);
    await command.told(/^progress: /m);
    front.onRequest = () => 'swallow';
    command.signal('SIGINT');
    // Whether or not the first one was handled by now, this cannot be the first.
    setTimeout(() => command.signal('SIGTERM'), 100);
    const { code, stdout } = await command.ended;
    expect(code).toBe(143);
    expect(stdout).toBe('');
  });
});

describe('a run that cannot be', () => {
  test('for want of a server says why in one line and exits 1', async () => {
    const front = await own.listen();
    await front.close();
    const { code, stdout, stderr } = await load('--endpoint', front.url);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^surreal-pool: cannot connect to ws:.*ECONNREFUSED.*\n$/);
  });

  test.each([
    ['nobody signs in', [], 'sign in with --username and --password'],
    ['the password is wrong', ['--username', 'root', '--password', 'hunter2'], 'problem with authentication'],
  ])('because %s says so in one line and exits 1', async (_, credentials, reason) => {
    const front = await own.listen({ auth: true });
    const { code, stdout, stderr } = await load('--endpoint', front.url, ...credentials);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^surreal-pool: .+\n$/);
    expect(stderr).toContain(reason);
    expect(stderr).not.toContain('hunter2');
  });

  test('for its options says what was given and what is allowed, and exits 2', async () => {
    const { code, stdout, stderr } = await load('--wokers', '3', '--mix', 'much');
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain('--wokers: given an unknown option; allowed: --workers (did you mean that?)\n');
    expect(stderr).toContain('--mix: given "much"; allowed: ');
  });

  test('while it connects, ends at the first signal', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const command = new Command(['load', '--endpoint', `ws://127.0.0.1:${port}`]);
    // Nobody will ever answer it.
    const [socket] = await once(server, 'connection');
    command.signal('SIGINT');
    expect(await command.ended).toEqual({ code: 130, stdout: '', stderr: '' });
    socket.destroy();
    server.close();
  });
});

describe('own statements', () => {
  test('are run with the number of the operation and a random number, as often as was asked for', async () => {
    const parameters = ['--operations', '50', '--query', 'CREATE ONLY own:[$i] SET drawn = $rand RETURN NONE'];
    const front = await own.listen();
    const where = ['--endpoint', front.url, '--namespace', 'load', '--database', 'load'];
    const outcome = await run(['load', '--json', '--progress', '0', ...parameters, ...where]);
    expect(outcome.stderr).toBe('');
    const report = reportIn(outcome);
    expectToAgree(report);
    expect(report.operations).toMatchObject({ total: 50, reads: 0, writes: 50, errors: 0 });
    expect(report.load).toMatchObject({ mix: null, duration: null, operations: 50, engine: 'server' });
    const [stored] = await own.engine.query('SELECT count() FROM own GROUP ALL', place);
    await own.engine.query('REMOVE TABLE own', place);
    // Those that were run before the load, alone, count on too, so that no number comes twice.
    expect((stored as { count: number }[])[0]?.count).toBeGreaterThanOrEqual(51);
  });

  test('from several files are a mix, and only the names of these are told', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'surreal-pool-'));
    const file = join(folder, 'mine.surql');
    writeFileSync(file, 'LET $a = $i;\nRETURN $a + 1;\n');
    const outcome = await run(['load', '--json', '-P', '0', '-n', '40', '--file', `${file}@3`, '--query', 'RETURN 1']);
    const { load: done, operations } = reportIn(outcome);
    expect(operations).toMatchObject({ total: 40, reads: 40 });
    expect(done.statements).toEqual([
      { name: 'query 1', weight: 1 },
      { name: 'mine.surql', weight: 3 },
    ]);
    expect(outcome.stdout).not.toContain('LET');
  });

  test('that cannot be run are told before the load, by name', async () => {
    expect(await run(['load', '--query', 'SELEC 1'])).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^surreal-pool: query 1 fails: Parse error.*\n$/),
    });
  });
});

test('single calls share messages, and the report says how many a message carried', async () => {
  const outcome = await run([
    'load',
    '--json',
    '-P',
    '0',
    '-n',
    '2000',
    '-c',
    '64',
    '--single-calls',
    '--pool-max',
    '4',
  ]);
  const report = reportIn(outcome);
  expect(report.operations).toMatchObject({ total: 2_000 });
  expect(report.wait.count).toBe(0);
  expect(report.pool.messages.calls).toBeGreaterThanOrEqual(2_000);
  expect(report.pool.messages.callsPerMessage).toBeGreaterThan(1);
});

test('JSON says with which versions it was made', async () => {
  const report = reportIn(await run(['load', '--json', '-P', '0', '-n', '1']));
  expect(report.schema).toBe(1);
  expect(report.versions).toEqual({
    package: '0.1.0',
    node: process.version.slice(1),
    sdk: expect.stringMatching(/^2\.0\./),
    engine: expect.stringMatching(/^3\./),
    server: expect.stringMatching(/^3\./),
  });
});

describe('a sweep', () => {
  test('measures each size, says which is right, with the seed, and leaves nothing behind', async () => {
    const front = await own.listen();
    const before = await tablesLeft();
    const parameters = ['--pool-max', '4', '--workers', '8', '--duration', '2s', '--seed', '7'];
    const outcome = await run(['load', '--sweep', '--json', ...parameters, '--endpoint', front.url]);
    expect(outcome.code).toBe(0);
    const report = JSON.parse(outcome.stdout) as SweepReport;
    expect(report.sizes.map(({ size }) => size)).toEqual([1, 2, 4]);
    expect(report.sizes.every(({ throughput, errors }) => throughput.mean > 0 && errors === 0)).toBe(true);
    expect(report.sizes.map(({ size }) => size)).toContain(report.recommended);
    expect(report).toMatchObject({ sweep: { seed: 7, rounds: 5, workers: 8 }, versions: { package: '0.1.0' } });
    expect(outcome.stderr).toContain('sweep: round 5 of 5\n');
    expect(await tablesLeft()).toEqual(before);
  });

  test('in which operations fail recommends nothing, and exits 99', async () => {
    // It works alone, and for the first of those under load.
    const statement = 'IF $i > 300 { THROW "no more" }';
    const parameters = ['--sweep', '--json', '--pool-max', '2', '--workers', '4', '--duration', '2s'];
    const outcome = await run(['load', ...parameters, '--query', statement]);
    expect(outcome.code).toBe(99);
    const { recommended, sentences } = JSON.parse(outcome.stdout) as SweepReport;
    expect(recommended).toBeNull();
    expect(sentences).toEqual([expect.stringMatching(/operations? failed, so the sizes cannot be compared/)]);
  });

  test('that is stopped recommends nothing', async () => {
    const command = new Command(['load', '--sweep', '--duration', '1h']);
    await command.told(/^sweep: round 1/m);
    command.signal('SIGINT');
    const { code, stdout, stderr } = await command.ended;
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
    expect(stderr).toContain('recommends nothing');
  });
});

describe('a scenario', () => {
  test('says what had to hold, exits 0 when it did, and leaves no table behind', async () => {
    const front = await own.listen();
    const before = await tablesLeft();
    const { code, stdout } = await run(['load', '--scenario', 'bursts', '--endpoint', front.url]);
    expect(stdout).toMatch(/^bursts: as it should be\.\n\n {2}✓ at least 90 % of all operations succeed +250 of 250\n/);
    expect(code).toBe(0);
    expect(await tablesLeft()).toEqual(before);
  });

  test('exits 99 when something did not hold, in JSON too', async () => {
    const front = await own.listen();
    let creates = 0;
    front.onRequest = ({ params: [query] }) =>
      String(query).startsWith('CREATE') && ++creates % 4 === 0 ? 'kill' : 'pass';
    const { code, stdout } = await run(['load', '--scenario', 'bursts', '--json', '--endpoint', front.url]);
    const { expectations } = JSON.parse(stdout) as ScenarioReport;
    expect(expectations.filter(({ held }) => !held).map(({ text }) => text)).toContain(
      'at least 90 % of all operations succeed',
    );
    expect(code).toBe(99);
  });
});

test('a run on a database on disk leaves no table behind', async () => {
  const endpoint = rocksdbUrl();
  expect(await load('--endpoint', endpoint)).toMatchObject({ code: 0 });
  const stored = await SharedEngine.open(endpoint);
  const [database] = await stored.query('INFO FOR DB', place);
  await stored.close();
  expect((database as { tables: object }).tables).toEqual({});
});
