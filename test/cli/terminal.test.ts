import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const command = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** util-linux gives a program a terminal of its own; its namesake on macOS has other options. */
const hasTerminals =
  process.platform === 'linux' &&
  spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux');

/** What the command writes on a terminal of so many columns. */
function onTerminal(columns: number, parameters: string, environment: Record<string, string> = {}): string {
  const line = `stty cols ${columns} rows 24; exec '${process.execPath}' '${command}' ${parameters}`;
  // On CI, Node takes no terminal for one with colours.
  const { NO_COLOR: _, FORCE_COLOR: __, CI: ___, ...inherited } = process.env;
  const { stdout, status } = spawnSync('script', ['-qec', line, '/dev/null'], {
    env: { ...inherited, TERM: 'xterm-256color', ...environment },
    encoding: 'utf8',
  });
  expect(status).toBe(0);
  return stdout.replaceAll('\r\n', '\n');
}

const escapeCode = String.fromCharCode(27);
const codes = new RegExp(`${escapeCode}\\[[\\d;]*[A-Za-z]|\\r`, 'g');

function longestLine(text: string): number {
  return Math.max(
    ...text
      .replaceAll(codes, '')
      .split('\n')
      .map((line) => line.length),
  );
}

const load = 'load --duration 600ms --progress 200ms --workers 4';

describe.skipIf(!hasTerminals)('on a terminal', () => {
  test('of 80 columns progress is refreshed in place, and the report has colours', () => {
    const text = onTerminal(80, load);
    expect(text).toContain(`${escapeCode}[2A`);
    expect(text).toContain('█');
    expect(text).toContain(`${escapeCode}[1m`);
    expect(text).not.toContain('progress: ');
  });

  test('of 40 columns no line is broken by the terminal', () => {
    for (const parameters of [
      load,
      `${load} --single-calls`,
      `${load} --agents 4`,
      'load --help',
      'load --scenario bursts',
      '--help',
    ]) {
      expect(longestLine(onTerminal(40, parameters)), parameters).toBeLessThanOrEqual(40);
    }
  });

  test('of 200 columns nothing becomes longer than one can read', () => {
    expect(longestLine(onTerminal(200, load))).toBeLessThanOrEqual(120);
  });

  test('that can do nothing, progress is lines, and there is no code in them', () => {
    const text = onTerminal(80, load, { TERM: 'dumb' });
    expect(text).toMatch(/^progress: /m);
    expect(text).not.toContain(escapeCode);
  });

  test('with NO_COLOR there are no colours, though progress is refreshed', () => {
    const text = onTerminal(80, load, { NO_COLOR: '1' });
    expect(text).toContain(`${escapeCode}[2A`);
    expect(text).not.toMatch(new RegExp(`${escapeCode}\\[\\d*m`));
  });
});
