import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { run } from './command.js';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

test.each([[[]], [['--help']], [['help']]])('the command with %j shows how it is used', async (parameters) => {
  const { code, stdout, stderr } = await run(parameters);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain('Usage: surreal-pool <command>');
  expect(stdout).toContain('  load ');
});

test('a subcommand shows its own help', async () => {
  const { code, stdout } = await run(['load', '--help']);
  expect(code).toBe(0);
  expect(stdout).toContain('--assert');
});

test.each([[['--version']], [['load', '--version']]])('%j shows the version of the package', async (parameters) => {
  expect(await run(parameters)).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
});

test('an unknown subcommand is told with those there are', async () => {
  expect(await run(['laod'])).toEqual({
    code: 2,
    stdout: '',
    stderr: 'surreal-pool: given "laod"; allowed: load, --help, --version\n',
  });
});
