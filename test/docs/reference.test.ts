import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { projectFolder } from '../support/documentation.js';

test('docs/api.md says what the docstrings say', async () => {
  const check = promisify(execFile)(process.execPath, ['scripts/api-reference.mjs', '--check'], { cwd: projectFolder });
  await expect(check).resolves.toMatchObject({ stderr: '' });
});
