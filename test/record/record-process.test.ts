import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readRecording } from '../../src/cli/replay/recording.js';
import { temporaryFolder } from '../support/temporary.js';

const project = fileURLToPath(new URL('../../', import.meta.url));

/** A service that knows nothing of recordings. It makes so many calls, and then does as its second parameter says. */
const service = `
import { createPool } from 'surreal-pool';
const [calls, then] = process.argv.slice(2);
const pool = await createPool('mem://', { namespace: 'ns', database: 'db' });
for (let call = 0; call < Number(calls); call++) await pool.query('RETURN ' + call % 10);
console.log('served');
if (then === 'exit') process.exit(3);
if (then === 'go-on') for (;;) await pool.query('RETURN 1');
await pool.shutdown();
console.log('ended');
`;

interface Service {
  readonly process: ChildProcess;
  readonly stdout: Promise<string>;
  readonly stderr: Promise<string>;
  readonly closed: Promise<[number | null, NodeJS.Signals | null]>;
}

/** Starts it as an operator would: the recording is chosen outside of the program. */
function start(recording: string | undefined, parameters: readonly string[], before = ''): Service {
  const program = join(temporaryFolder(), 'service.mjs');
  const built = new URL('../../dist/index.js', import.meta.url).href;
  writeFileSync(program, service.replace('surreal-pool', built));
  const environment = { ...process.env, ...(recording === undefined ? {} : { SURREAL_RECORD_LOAD: recording }) };
  const shell = `${before}exec "$0" --import surreal-pool/record "$@"`;
  const child = spawn('/bin/sh', ['-c', shell, process.execPath, program, ...parameters], {
    cwd: project,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return {
    process: child,
    stdout: text(child.stdout),
    stderr: text(child.stderr),
    closed: once(child, 'close') as Service['closed'],
  };
}

const newFile = (): string => join(temporaryFolder(), 'load.ndjson');

describe('a service that is recorded from outside', () => {
  test('leaves a whole recording when it ends by itself', async () => {
    const path = newFile();
    const { closed, stdout, stderr } = start(path, ['20', 'end']);
    expect([await closed, await stdout, await stderr]).toEqual([[0, null], 'served\nended\n', '']);
    const { end, units } = await readRecording(path);
    expect(end).toMatchObject({ end: 'exit', units: 20, calls: 20, lost: 0 });
    expect(units).toHaveLength(20);
  });

  test('leaves a whole recording when it calls process.exit()', async () => {
    const path = newFile();
    const { closed } = start(path, ['20', 'exit']);
    expect(await closed).toEqual([3, null]);
    expect((await readRecording(path)).end).toMatchObject({ end: 'exit', units: 20 });
  });

  test('leaves a readable recording when it is killed', async () => {
    const path = newFile();
    const { process: child, closed } = start(path, ['5', 'go-on']);
    while (!existsSync(path) || readFileSync(path, 'utf8').split('\n').length < 100) await sleep(20);
    child.kill('SIGKILL');
    expect(await closed).toEqual([null, 'SIGKILL']);
    const { end, units } = await readRecording(path);
    expect(end).toBeUndefined();
    expect(units.length).toBeGreaterThan(90);
  });

  test('runs as without one when the recording cannot be made, and says why', async () => {
    const taken = newFile();
    writeFileSync(taken, 'precious');
    for (const [path, reason] of [
      [taken, /which is there already/],
      [join(taken, 'below'), /ENOTDIR/],
    ] as const) {
      const { closed, stdout, stderr } = start(path, ['5', 'end']);
      expect([await closed, await stdout]).toEqual([[0, null], 'served\nended\n']);
      expect(await stderr).toMatch(/SurrealPoolWarning: nothing is recorded \(SURREAL_RECORD_LOAD\)/);
      expect(await stderr).toMatch(reason);
    }
    expect(readFileSync(taken, 'utf8')).toBe('precious');
  });

  test.skipIf(process.platform === 'win32')('goes on when the disk takes no more, and says so once', async () => {
    const path = newFile();
    // The system refuses to let a file of this process grow beyond some kilobytes.
    const { closed, stdout, stderr } = start(path, ['3000', 'end'], 'ulimit -f 8; ');
    expect([await closed, await stdout]).toEqual([[0, null], 'served\nended\n']);
    expect((await stderr).match(/cannot be written any more, and ends: EFBIG/g)).toHaveLength(1);
    const { end, units, isTorn } = await readRecording(path);
    expect({ end, isTorn }).toEqual({ end: undefined, isTorn: true });
    expect(units.length).toBeGreaterThan(10);
  });

  test('records nothing where no file is named', async () => {
    const { closed, stderr } = start(undefined, ['5', 'end']);
    expect([await closed, await stderr]).toEqual([[0, null], '']);
  });

  test('puts the number of its process into the name of the file', async () => {
    const folder = temporaryFolder();
    const { process: child, closed } = start(join(folder, 'load-%p.ndjson'), ['5', 'end']);
    await closed;
    expect((await readRecording(join(folder, `load-${child.pid}.ndjson`))).end).toMatchObject({ units: 5 });
  });
});
