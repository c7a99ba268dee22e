// Takes the pictures of docs/console.md: stages the situations of the tests, looks at them with Chromium, and keeps some.
//
//   node scripts/console-pictures.mjs           those that the page has, into docs/images/console
//   node scripts/console-pictures.mjs FOLDER    all situations, and leaves all of them in FOLDER, to be looked at
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withPalette } from './palette-png.mjs';

/** One of each situation, small because they are part of the repository. */
const shown = {
  'busy-light-top': 'healthy',
  'queue-light-top': 'pool-too-small',
  'slow-database-dark-top': 'slow-database',
  'leak-light-narrow': 'caller-holds',
  'endpoint-out-dark-top': 'endpoint-out',
  'breaker-open-light-top': 'breaker-open',
  'conflicts-dark-top': 'conflicts',
  'agent-refused-light-top': 'agent-refused',
  'paused-dark-top': 'paused',
  'shutting-down-light-top': 'shutting-down',
};
const target = 'docs/images/console';
/** In bytes. */
const most = 60 * 1024;

const given = process.argv[2];
const folder = given ?? mkdtempSync(join(tmpdir(), 'surreal-pool-pictures-'));
try {
  const scenes = Object.keys(shown).map((name) => name.replace(/-(?:light|dark).*/, ''));
  const some = given === undefined ? ['-t', `says what is the matter: (?:${scenes.join('|')})`] : [];
  const { status } = spawnSync(
    process.execPath,
    ['node_modules/vitest/vitest.mjs', 'run', 'test/console/page.test.ts', ...some],
    { stdio: 'inherit', env: { CONSOLE_PICTURES_AFTER: '45000', ...process.env, CONSOLE_PICTURES: folder } },
  );
  if (status !== 0) process.exitCode = 1;
  mkdirSync(target, { recursive: true });
  for (const [name, title] of Object.entries(shown)) {
    const small = [64, 40, 24, 16].map((colours) => withPalette(readFileSync(join(folder, `${name}.png`)), colours));
    const picture = small.find(({ length }) => length <= most);
    if (picture === undefined) throw new Error(`${name} has ${small.at(-1)?.length} bytes, more than ${most}`);
    writeFileSync(join(target, `${title}.png`), picture);
    console.log(`${title}.png: ${Math.round(picture.length / 1024)} KiB`);
  }
} finally {
  if (given === undefined) rmSync(folder, { recursive: true, force: true });
}
