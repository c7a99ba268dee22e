import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { bareSdk } from '../support/bare.js';
import { cellsIn, columnName, expectedCell, withColumn } from '../support/compatibility-table.js';
import { projectFolder } from '../support/documentation.js';
import { versionOf } from '../support/server-version.js';
import probes, { type Probed, place } from './compatibility-probes.js';

// Each row of docs/compatibility.md is looked at anew, on the engine inside this process or on the server of
// `npm run test:server`. With COMPATIBILITY=write what is seen is written there instead: `node scripts/compatibility.mjs`.

const path = `${projectFolder}docs/compatibility.md`;
const writes = process.env.COMPATIBILITY === 'write';
const server = inject('server');
const bare = bareSdk();
const seen = new Map<string, string>();
let column: string;

const probed: Probed = {
  server,
  async connect() {
    const client =
      server === undefined
        ? await bare.connect('mem://', { reconnect: false })
        : await bare.connect(server.url, { authentication: server, reconnect: false });
    const { namespace, database } = place;
    await client.query(
      `DEFINE NAMESPACE IF NOT EXISTS ${namespace}; USE NS ${namespace}; REMOVE DATABASE IF EXISTS ${database};
       DEFINE DATABASE ${database}`,
    );
    await client.use(place);
    await client.query('DEFINE TABLE thing');
    return client;
  },
};

beforeAll(async () => {
  const client = await probed.connect();
  column = columnName(await versionOf(client), server !== undefined);
  await client.close();
});

afterAll(() => {
  if (writes) writeFileSync(path, withColumn(readFileSync(path, 'utf8'), probes, column, seen));
});

describe('docs/compatibility.md says what is seen', () => {
  test.for(probes.map((probe) => [probe.hazard, probe.look] as const))('%s', async ([hazard, look], { skip }) => {
    const cell = await look(probed);
    if (cell === undefined) return skip('it cannot be seen on this machine');
    seen.set(hazard, cell);
    if (writes) return;
    expect(cell, `on ${column}`).toBe(expectedCell(cellsIn(readFileSync(path, 'utf8')), hazard, column));
  });

  test('and has no other rows', ({ skip }) => {
    skip(writes);
    const rows = [...cellsIn(readFileSync(path, 'utf8')).keys()];
    expect(rows).toEqual(probes.map(({ hazard }) => hazard));
  });
});
