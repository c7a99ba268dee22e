import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const projectFolder = fileURLToPath(new URL('../../', import.meta.url));

/** How a child process ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Whether it had to be killed because it did not end by itself. */
  readonly hung: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a script in a process of its own, for what ends or hangs the process it happens in. The script is a module that
 * imports from this project's dependencies, or from `surreal-pool`: the built package, so `npm run build` first.
 *
 * @param parameters The script's `process.argv[1]` and following.
 */
export async function runChild(script: string, parameters: readonly string[] = [], ceiling = 30_000): Promise<Ending> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script, ...parameters], {
    cwd: projectFolder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let hung = false;
  const limit = setTimeout(() => {
    hung = true;
    child.kill('SIGKILL');
  }, ceiling);
  const exit = new Promise<[number | null, NodeJS.Signals | null]>((ended, failed) => {
    child.once('error', failed);
    child.once('close', (code, signal) => ended([code, signal]));
  });
  try {
    const [[code, signal], stdout, stderr] = await Promise.all([exit, text(child.stdout), text(child.stderr)]);
    return { code, signal, hung, stdout, stderr };
  } finally {
    clearTimeout(limit);
  }
}
