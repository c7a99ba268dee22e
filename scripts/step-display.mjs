// Runs a command that may take long, and shows on stderr that it goes on: refreshed in place on a terminal, elsewhere a
// line at the beginning, one every ten seconds, and one at the end. What the command itself writes is shown only when it
// fails.
import { spawn } from 'node:child_process';

const prefix = 'surreal-pool: ';
const plainInterval = 10_000;
const terminalInterval = 250;

/**
 * @param {string} title what is done
 * @param {readonly string[]} command the program and its parameters
 * @param {{ cwd: string, progress?: (() => string) | undefined }} options `progress` tells how far it is
 * @returns {Promise<number>} the exit code
 */
export async function showStep(title, [program = '', ...parameters], { cwd, progress }) {
  const began = performance.now();
  const elapsed = () => `${((performance.now() - began) / 1_000).toFixed(1)} s`;
  const refreshed = process.stderr.isTTY && process.env.TERM !== 'dumb';
  const show = () => {
    const far = progress === undefined ? '' : `, ${progress()}`;
    const line = `${prefix}${title} … ${elapsed()}${far}`;
    process.stderr.write(refreshed ? `\r\u001b[K${cut(line)}` : `${line}\n`);
  };
  if (refreshed) show();
  else process.stderr.write(`${prefix}${title} …\n`);
  const timer = setInterval(show, refreshed ? terminalInterval : plainInterval);
  const { code, output } = await run(program, parameters, cwd);
  clearInterval(timer);
  const end = code === 0 ? `${title}: done in ${elapsed()}` : `${title}: failed after ${elapsed()} (exit code ${code})`;
  process.stderr.write(`${refreshed ? '\r\u001b[K' : ''}${prefix}${end}\n`);
  if (code !== 0) process.stderr.write(output);
  return code;
}

/** A line that is longer than the terminal would be broken, and then not be replaced by the next one. */
function cut(line) {
  const columns = process.stderr.columns || 80;
  return line.length < columns ? line : `${line.slice(0, columns - 2)}…`;
}

/** @returns {Promise<{ code: number, output: string }>} */
function run(program, parameters, cwd) {
  return new Promise((resolve) => {
    const child = spawn(program, parameters, {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      // npm is a script on Windows.
      shell: process.platform === 'win32',
    });
    const parts = [];
    child.stdout.on('data', (part) => parts.push(part));
    child.stderr.on('data', (part) => parts.push(part));
    child.on('error', ({ message }) => resolve({ code: 1, output: `${message}\n` }));
    child.on('close', (code) => resolve({ code: code ?? 1, output: Buffer.concat(parts).toString('utf8') }));
  });
}
