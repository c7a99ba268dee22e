import { createServer } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { LoadPage, readUiPort } from '../../src/cli/load-ui.js';
import { temporaryFolder } from '../support/temporary.js';
import { Command, run } from './command.js';

/** Where a load says that its pool is shown. */
const told = /^surreal-pool: the pool is shown at (http:\/\/127\.0\.0\.1:\d+)\/ and by surreal-pool top(?: \1)?$/m;

async function shownAt(command: Command): Promise<string> {
  return told.exec(await command.told(told))?.[1] ?? '';
}

const load = ['load', '--duration', '30s', '--progress', '0', '--pool-max', '3', '--workers', '6'];

const started: Command[] = [];
afterEach(async () => {
  for (const command of started.splice(0)) {
    command.signal('SIGKILL');
    await command.ended;
  }
});

function start(parameters: readonly string[]): Command {
  const command = new Command(parameters);
  started.push(command);
  return command;
}

describe('load --ui', () => {
  test('shows its pool to top: one screen, JSON, lines; and ends with the load', async () => {
    const command = start([...load, '--ui', '0']);
    const url = await shownAt(command);
    const screen = await run(['top', url, '--once']);
    expect(screen).toMatchObject({ code: 0, stderr: '' });
    expect(screen.stdout).toMatch(/^load\/load {2}running/);
    expect(screen.stdout).toMatch(/^[123]\/3 /m);
    const json = await run(['top', url, '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ pool: 'load/load', connections: { limit: 3 } });
    const lines = start(['top', url, '--interval', '100ms']);
    await lines.wrote(/^top: .* load\/load (?:fine|warning|critical) \w/m);

    command.signal('SIGINT');
    expect((await command.ended).code).toBe(130);
    await lines.wrote(/stale, trying again: .* nothing listens there/);
  });

  test('shows the page itself, and can do nothing to the pool', async () => {
    const url = await shownAt(start([...load, '--ui', '0']));
    const page = await fetch(url);
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    const pause = await fetch(`${url}/pause`, { method: 'POST', body: '{}' });
    expect(pause.status).toBe(403);
  });

  test('leaves the report alone on stdout, and does not hold up the end while somebody looks', async () => {
    const command = start(['load', '--operations', '2000', '--progress', '0', '--json', '--ui', '0']);
    const url = await shownAt(command);
    const looking = start(['top', url]);
    const { code, stdout } = await command.ended;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ operations: { total: 2000 } });
    looking.signal('SIGTERM');
  });

  test.each<[string, readonly string[], RegExp]>([
    ['agents', [...load, '--agents', '6'], /^Agents 6/m],
    ['a sweep', ['load', '--sweep', '--duration', '30s', '--progress', '0', '--pool-max', '4'], /^load\/load/],
    ['a scenario', ['load', '--scenario', 'sustained-load', '--duration', '10s'], /^load\/load/],
    ['servers of its own', ['load', '--endpoints', '2', '--duration', '20s', '--progress', '0'], /^Endpoints 2/m],
  ])('works with %s', async (_name, parameters, expected) => {
    const url = await shownAt(start([...parameters, '--ui=0']));
    const { code, stdout } = await run(['top', url, '--once']);
    expect(code).toBe(0);
    expect(stdout).toMatch(expected);
  });

  test('works with a replay', async () => {
    const file = `${temporaryFolder()}/load.ndjson`;
    expect((await run(['load', '--duration', '4s', '--progress', '0', '--rate', '20', '--record', file])).code).toBe(0);
    const url = await shownAt(start(['load', '--replay', file, '--progress', '0', '--ui', '0']));
    expect((await run(['top', url, '--once'])).stdout).toMatch(/^load\/load/);
  });

  test('says when its port is taken, and takes the next one without a number', async () => {
    const taken = createServer();
    await new Promise<void>((listening) => taken.listen(0, '127.0.0.1', listening));
    try {
      const { port } = taken.address() as { port: number };
      expect(await run([...load, '--ui', String(port)])).toEqual({
        code: 1,
        stdout: '',
        stderr: `surreal-pool: the page cannot be served at port ${port} (EADDRINUSE): without a number --ui takes one that is free\n`,
      });
    } finally {
      taken.close();
    }
    const [one, other] = [await LoadPage.open('next', () => {}), await LoadPage.open('next', () => {})];
    try {
      expect(other.port).toBeGreaterThan(one.port);
    } finally {
      one.close();
      other.close();
    }
  });

  test('is refused where there is no pool, and with what is no port', async () => {
    expect(await run(['load', '--replay', 'x', '--sweep', '--ui'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(
        /--ui: given with --sweep; allowed: without --sweep, which replays in virtual time/,
      ),
    });
    expect(await run(['load', '--ui', 'here'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/--ui: given "here"; allowed: a port from 0/),
    });
  });
});

test.each([
  ['', 'next'],
  ['0', 0],
  ['8010', 8010],
])('the port %j is %j', (text, port) => {
  expect(readUiPort(text)).toBe(port);
});
