import { expect, inject, test } from 'vitest';
import { surroundings } from '../support/surroundings.js';
import { rocksdbUrl } from '../support/temporary.js';
import { type IsolationScene, runIsolated } from './isolation-run.js';
import { byOptions, byScope, embeddedScene, socketScene } from './isolation-scenes.js';
import { changes } from './session-changes.js';

const own = surroundings(rocksdbUrl());
const seed = Number(process.env.ISOLATION_SEED ?? Math.trunc(Math.random() * 2 ** 31));
const leases = Number(process.env.ISOLATION_LEASES ?? 500);
const replay = `ISOLATION_SEED=${seed}`;

const real = inject('server') !== undefined;
const scenes: [string, () => Promise<IsolationScene>][] = [
  ['over sockets, by scopes', () => socketScene(own, byScope)],
  ['over sockets, by options', () => socketScene(own, byOptions)],
  ...((real
    ? []
    : [
        ['embedded in rocksdb, by scopes', () => embeddedScene(own, rocksdbUrl(), byScope)],
        ['embedded in memory, by options', () => embeddedScene(own, 'mem://', byOptions)],
      ]) satisfies [string, () => Promise<IsolationScene>][]),
];

test.each(scenes)(`no agent sees anything of another, %s (${replay})`, async (_where, open) => {
  console.log(`replay with: ${replay} ISOLATION_LEASES=${leases}`);
  const scene = await open();
  const report = await runIsolated(scene, { seed, leases });
  console.log(JSON.stringify(report));
  expect(report.refused, 'objects were kept, and refused').toBeGreaterThan(0);
  expect(Object.keys(report.changed).sort(), 'everything was changed').toEqual(
    Object.keys(changes)
      .filter((name) => !name.endsWith('refused'))
      .sort(),
  );
});
