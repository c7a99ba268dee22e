import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { compare } from '../harness/paired.mjs';
import { startServer } from '../support/server.mjs';

export const question = 'how long from nothing to the first answer, in a new process?';

/** A process is slow to start: fewer rounds tell enough. */
const mostRounds = 15;

/** @type {Record<string, (url: string) => string>} */
const scripts = {
  'the SDK': (url) => `
    const { connectBelow } = await import('./support/below.mjs');
    const client = await connectBelow('${url}');
    await client.query('RETURN 1');`,
  'surreal-pool': (url) => `
    const { createPool } = await import('../dist/index.js');
    const pool = await createPool('${url}', { namespace: 'bench', database: 'bench' });
    await pool.query('RETURN 1');`,
};

/** @param {import('../run.mjs').BenchOptions} options */
export async function* run({ rounds }) {
  const server = await startServer();
  for (const [url, where] of [
    ['mem://', 'embedded'],
    [server.url, server.what],
  ]) {
    yield await compare(
      `import, connect and RETURN 1, ${where}`,
      Object.entries(scripts).map(([name, script]) => ({ name, sample: () => inNewProcess(script(url ?? '')) })),
      { rounds: Math.min(rounds, mostRounds), unit: 'ms' },
    );
  }
  server.stop();
}

/**
 * The time from the first line of the script to its last, in nanoseconds: Node's own start is not counted.
 *
 * @param {string} script
 */
async function inNewProcess(script) {
  const measured = `const began = performance.now(); ${script}
    process.stdout.write(String(performance.now() - began), () => process.exit(0));`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', measured], {
    cwd: fileURLToPath(new URL('../', import.meta.url)),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return Number(await text(child.stdout)) * 1e6;
}
