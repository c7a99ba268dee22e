import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import type * as built from '../../src/console/index.js';
import type * as main from '../../src/index.js';
import { browser, executable } from '../support/browser.js';
import { projectFolder } from '../support/documentation.js';

const look = browser();
const load = async <Module>(file: string): Promise<Module> =>
  (await import(pathToFileURL(`${projectFolder}dist/${file}`).href)) as Module;

// Its script and style are shortened when the package is made.
test.skipIf(executable === undefined)('the page of the package says and shows the same', async () => {
  const { createPool } = await load<typeof main>('index.js');
  const { consoleHandler } = await load<typeof built>('console.js');
  const pool = await createPool('mem://', { namespace: 'test', database: 'test', name: 'shop', maxConnections: 3 });
  const handler = consoleHandler(pool);
  const server = createServer((request, response) => void handler(request, response));
  try {
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as AddressInfo;
    await using held = await pool.acquire();
    const page = await look(`http://localhost:${port}/`, { viewport: { width: 1280, height: 900 } });
    await expect
      .poll(() => page.textContent('#sentence'), { timeout: 60_000 })
      .toBe('Healthy: 1 of 3 connections in use, nobody waits.');
    expect(await page.title()).toBe('● 1/3 · shop');
    await page.click('#leases-table tbody button');
    await expect.poll(() => page.textContent('#detail h2')).toBe(`Connection #${held.id}`);
    // The style is there too.
    expect(await page.evaluate(`getComputedStyle(document.querySelector('#verdict')).display`)).toBe('grid');
    expect(Buffer.byteLength(await (await fetch(`http://localhost:${port}/`)).text())).toBeLessThan(42_000);
  } finally {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
    await pool.shutdown({ gracePeriod: 0 });
  }
});
