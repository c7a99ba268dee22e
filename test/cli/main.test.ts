import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { run } from './command.js';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

test.each([[[]], [['--help']], [['help']], [['-h']]])(
  'the command with %j shows how it is used',
  async (parameters) => {
    const { code, stdout, stderr } = await run(parameters);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('Usage: surreal-pool <command>');
    expect(stdout).toContain('  load ');
  },
);

test.each([[['load', '--help']], [['load', '-h']], [['help', 'load']]])(
  '%j shows the help of the command',
  async (parameters) => {
    const { code, stdout } = await run(parameters);
    expect(code).toBe(0);
    expect(stdout).toContain('--assert');
  },
);

test.each([[['--version']], [['-v']], [['load', '--version']], [['load', '-v']]])(
  '%j shows the version of the package',
  async (parameters) => {
    expect(await run(parameters)).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  },
);

test.each([
  ['laod', 'load (did you mean that?)'],
  ['--hepl', '--help (did you mean that?)'],
])('instead of %s, %s is suggested', async (given, suggestion) => {
  const stderr = `surreal-pool: given ${JSON.stringify(given)}; allowed: ${suggestion}\n`;
  expect(await run([given])).toEqual({ code: 2, stdout: '', stderr });
});

test('an unknown subcommand is told with those there are, and an option with the place of a command', async () => {
  expect(await run(['frobnicate'])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^surreal-pool: given "frobnicate"; allowed: load, .*--help, --version\n$/),
  });
  expect(await run(['-d', '5s'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('given "-d"; allowed: a command before its options: load, '),
  });
});
