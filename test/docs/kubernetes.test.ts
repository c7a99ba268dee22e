import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import ts from 'typescript';
import { expect, onTestFinished, test } from 'vitest';
import { codeBlocks, page, projectFolder } from '../support/documentation.js';

/** The recipe as it stands, but for its pool, its port, the length of its sleep, and what it answers with. */
function recipe(): string {
  const block = codeBlocks(page('docs/recipes.md')).find(({ code }) => code.includes("process.once('SIGTERM'"));
  const changes: [string, string][] = [
    ["import { pool } from './database.js';", ''],
    ['server.listen(3000);', "server.listen(0, '127.0.0.1', () => process.send?.(server.address()));"],
    ['sleep(5_000)', 'sleep(1_500)'],
    ["response.end('…');", "pool.query('SLEEP 50ms; RETURN 1').then(() => response.end('done'));"],
  ];
  let code = block?.code ?? '';
  for (const [from, to] of changes) {
    expect(code, from).toContain(from);
    code = code.replace(from, to);
  }
  const pool = `import { createPool } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)};
    const pool = await createPool('mem://', { namespace: 'test', database: 'test', maxConnections: 4 });`;
  const { outputText } = ts.transpileModule(`${pool}\n${code}`, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
  });
  return outputText;
}

test.each([
  ['keep their connections and pause between requests', 4, 20],
  ['send one request right after the other', 2, 0],
  ['are many for few connections', 8, 1],
])('the recipe for Kubernetes ends, and answers each request of clients that %s', async (_, clients, pause) => {
  const folder = mkdtempSync(join(projectFolder, 'dist.recipe-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'service.mjs');
  writeFileSync(file, recipe());
  const child = fork(file);
  onTestFinished(() => void child.kill('SIGKILL'));
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  let answered = 0;
  const failures: string[] = [];
  const request = (path: string): Promise<number | undefined> =>
    new Promise((done) => {
      const asked = get({ port, path, host: '127.0.0.1', agent }, (response) => {
        response.resume().on('end', () => {
          answered++;
          done(response.statusCode);
        });
      });
      asked.on('error', (error: NodeJS.ErrnoException) => {
        failures.push(String(error.code));
        done(undefined);
      });
    });
  // As a cluster does: when the service is not ready any more, no more requests are sent to it.
  let ready = true;
  const probing = (async () => {
    while (ready) {
      ready = (await request('/ready')) === 200;
      await sleep(50);
    }
  })();
  const load = Array.from({ length: clients }, async () => {
    while (ready) {
      await request('/');
      if (pause > 0) await sleep(pause);
    }
  });
  // One keeps its connection and never says another word.
  const silent = connect(port, '127.0.0.1', () => silent.write('GET / HTTP/1.1\r\nHost: service\r\n\r\n'));
  onTestFinished(() => void silent.destroy());
  silent.on('error', (error) => failures.push(error.message));
  await once(silent, 'data');
  await expect.poll(() => answered, { timeout: 20_000 }).toBeGreaterThan(20);
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
  await Promise.all([probing, ...load]);
  agent.destroy();
  expect(failures).toEqual([]);
});
