import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folders: string[] = [];

/** A new empty folder, removed when the process exits. */
export function temporaryFolder(): string {
  // One listener for all folders: one per folder would soon pass the limit Node warns at.
  if (folders.length === 0) {
    process.once('exit', removeFolders);
    // The test runner ends its workers with this signal, which by itself ends a process without the `exit` event.
    process.once('SIGTERM', () => process.exit());
  }
  const folder = mkdtempSync(join(tmpdir(), 'surreal-pool-'));
  folders.push(folder);
  return folder;
}

/**
 * A url for a rocksdb engine of its own. It leaves to the operating system when to write to the disk, as what a test
 * stores need not outlive the machine.
 *
 * Always a new path, because an engine never lets go of its path within a process, not even when it is closed.
 */
export function rocksdbUrl(): string {
  return `rocksdb://${join(temporaryFolder(), 'db')}?sync=never`;
}

function removeFolders(): void {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}
