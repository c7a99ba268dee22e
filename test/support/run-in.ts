import { spawnSync } from 'node:child_process';

/** Runs a module in a process of its own, as if it were in this folder: it imports what is installed there. */
export function runIn(folder: string, script: string): { code: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: folder,
    encoding: 'utf8',
  });
  return { code: status, stdout, stderr };
}
