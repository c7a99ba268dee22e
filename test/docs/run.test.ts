import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import ts from 'typescript';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CodeBlock, codeBlocks, page, projectFolder } from '../support/documentation.js';
import { surroundings } from '../support/surroundings.js';

// Each block of these pages is put into a file as it stands, beside the other blocks of its page that have a name, and
// run against a server, or against three over one store. All that is changed is the servers' addresses and the port a block
// listens on.

const own = surroundings();
const paths = [
  'README.md',
  ...[
    ...['getting-started', 'transactions', 'agents', 'recipes', 'engines', 'endpoints'],
    ...['opentelemetry', 'prometheus', 'health-endpoints'],
  ].map((name) => `docs/${name}.md`),
];

/** What is not installed here, or has a runner of its own: such blocks are compiled by code.test.ts only. */
const absent = /from '(?:express|vitest|@nestjs\/common|@modelcontextprotocol\/sdk\/.*)'/;

const all = paths.flatMap((path) => codeBlocks(page(path))).filter(({ language }) => language === 'ts');
const blocks = all.filter(({ code }) => !absent.test(code));

/** Runs a block, then ends the pool that it exports or imports; tells when a server listens, on a port of its own. */
const entry = (file: string, pool: string): string => `
  import { Server } from 'node:net';
  const { listen } = Server.prototype;
  Server.prototype.listen = function () {
    this.once('listening', () => process.send(this.address().port));
    return listen.call(this, 0, '127.0.0.1');
  };
  await import('./${file}');
  const { pool } = await import('./${pool}');
  await pool?.shutdown();
`;

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(projectFolder, 'dist.docs-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A block as JavaScript, on the servers of the test. */
function programOf({ code }: CodeBlock, [address = '', ...others]: readonly string[]): string {
  const own = code
    .replace(/wss?:\/\/(?:localhost:8000|db\.example\.com)/, address)
    .replace(
      /ws:\/\/(?:db(\d):8000|localhost:800([1-3]))/g,
      (_, one, other) => [address, ...others][(one ?? other) - 1] ?? '',
    );
  // The server of the test gives no exports over HTTP, and an embedded database has no users.
  const embedded = address === 'mem://' ? own.replace(/^ {2}credentials: .*\n/m, '') : own;
  return ts.transpileModule(embedded, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022, verbatimModuleSyntax: true },
  }).outputText;
}

/** Puts a block and its named neighbours into a folder. Returns the path of the module that runs it. */
function copy(block: CodeBlock, addresses: readonly string[]): string {
  const place = mkdtempSync(join(folder, 'block-'));
  const nameOf = ({ file }: CodeBlock): string => file?.replace(/\.ts$/, '.js') ?? 'block.js';
  const { path } = block.page;
  for (const one of all.filter((other) => other === block || (other.page.path === path && other.file !== undefined))) {
    const file = join(place, nameOf(one));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, programOf(one, block.code.includes('.export()') ? ['mem://'] : addresses));
  }
  const main = join(place, 'main.mjs');
  const usesPool = /from '\.\/(?:database|identity)\.js'/.test(block.code);
  writeFileSync(main, entry(nameOf(block), usesPool ? 'database.js' : nameOf(block)));
  return main;
}

/** What ends a block that goes on for ever, once it has done its part, and what answers one that asks. */
async function end(child: ChildProcess, { code }: CodeBlock): Promise<void> {
  // The person who is asked agrees.
  if (code.includes('node:readline')) child.stdin?.end('y\n');
  if (/\.listen\(|^serve\(/m.test(code)) {
    const [port] = await once(child, 'message');
    const response = await fetch(`http://127.0.0.1:${port}/`);
    expect([200, 401]).toContain(response.status);
    await response.text();
    child.kill('SIGKILL');
  } else if (code.includes('shutdownOnSignals(pool)')) {
    // Both such blocks ask something once they have said that they end by a signal.
    const seen = async (): Promise<boolean> => {
      const [workers] = await own.engine.query('SELECT * FROM worker', { namespace: 'app', database: 'main' });
      return JSON.stringify(workers) !== '[]';
    };
    if (code.includes('worker:one')) await expect.poll(seen, { timeout: 20_000 }).toBe(true);
    else await once(child.stdout ?? child, 'data');
    child.kill('SIGTERM');
  }
}

test('there are blocks to run', () => {
  expect(blocks.length).toBeGreaterThan(20);
});

test.each(blocks.map((block) => ({ block, place: `${block.page.path}:${block.line}` })))(
  'the block at $place runs as it stands',
  async ({ block }) => {
    // What the reader has already: a user for the service, and the tables of the own application.
    await own.engine.query('DEFINE USER IF NOT EXISTS service ON ROOT PASSWORD "secret" ROLES OWNER');
    await own.engine.query('DEFINE NAMESPACE IF NOT EXISTS app; USE NS app; DEFINE DATABASE IF NOT EXISTS main');
    await own.engine.query(
      'DEFINE TABLE IF NOT EXISTS note; DEFINE TABLE IF NOT EXISTS session; DEFINE TABLE IF NOT EXISTS person',
      {
        namespace: 'app',
        database: 'main',
      },
    );
    const fronts = await Promise.all([0, 1, 2].map(() => own.listen()));
    const main = copy(
      block,
      fronts.map(({ url }) => url),
    );
    const child = fork(main, {
      silent: true,
      cwd: dirname(main),
      env: { ...process.env, DB_PASSWORD: 'secret', DB_TOKEN: 'a.b.c', NODE_OPTIONS: '' },
    });
    const streams = [child.stdout, child.stderr].map((stream) => (stream === null ? '' : text(stream)));
    const ended = once(child, 'exit');
    try {
      await Promise.race([end(child, block), ended]);
      const [code, signal] = await ended;
      expect({ code, signal, stderr: await streams[1] }).toMatchObject(
        signal === null ? { code: 0, stderr: '' } : { signal: expect.stringMatching(/SIGKILL|SIGTERM/), stderr: '' },
      );
    } finally {
      child.kill('SIGKILL');
    }
  },
  30_000,
);
