import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transpileModule } from 'typescript';
import type { Delays } from './front-program.js';
import { temporaryFolder } from './temporary.js';

const support = fileURLToPath(new URL('.', import.meta.url));
const modules = fileURLToPath(new URL('../../node_modules', import.meta.url));

/** What the process of the front tells. */
interface Report {
  readonly number: number;
  readonly answer: string | undefined;
}

/** A front in a process of its own: it goes on answering while the event loop of the test is blocked. */
export class FrontProcess {
  readonly url: string;
  readonly #child: ChildProcess;
  #asked = 0;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  static async start(): Promise<FrontProcess> {
    const child = fork(compiled(), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    const [{ url }] = (await once(child, 'message')) as [{ url: string }];
    return new FrontProcess(child, url);
  }

  /** Has requests answered later from now on. */
  async delay(methods: Delays['methods'], slow = 0): Promise<void> {
    await this.#ask({ delays: { methods, slow } });
  }

  /** Asks the engine itself, past the front. */
  async query(query: string): Promise<unknown> {
    const { answer } = await this.#ask({ query, place: { namespace: 'test', database: 'test' } });
    return JSON.parse(answer ?? 'null');
  }

  async end(): Promise<void> {
    this.#child.disconnect();
    await once(this.#child, 'exit');
  }

  async #ask(what: object): Promise<Report> {
    const number = ++this.#asked;
    this.#child.send({ number, ...what });
    for (;;) {
      const [report] = (await once(this.#child, 'message')) as [Report];
      if (report.number === number) return report;
    }
  }
}

/** The support of the tests as JavaScript, since Node 20 runs no TypeScript. Returns the file to start. */
function compiled(): string {
  const folder = join(temporaryFolder(), 'support');
  mkdirSync(folder);
  symlinkSync(modules, join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  for (const name of readdirSync(support).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))) {
    const text = readFileSync(join(support, name), 'utf8');
    const { outputText } = transpileModule(text, {
      compilerOptions: { module: 99, target: 9, verbatimModuleSyntax: true },
    });
    writeFileSync(join(folder, name.replace(/ts$/, 'js')), outputText);
  }
  const start = join(folder, 'start.js');
  writeFileSync(start, `import { serve } from './front-program.js';\nawait serve();\n`);
  return start;
}
