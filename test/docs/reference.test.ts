import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { projectFolder } from '../support/documentation.js';

test.each(['api-reference', 'option-tables'])('%s: the page says what the docstrings say', async (script) => {
  const check = promisify(execFile)(process.execPath, [`scripts/${script}.mjs`, '--check'], { cwd: projectFolder });
  await expect(check).resolves.toMatchObject({ stderr: '' });
});
