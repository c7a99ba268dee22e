import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transpileModule } from 'typescript';
import type { Conduct, Delays, FrontSetup } from './front-program.js';
import type { ServerAddress } from './server-process.js';
import { temporaryFolder } from './temporary.js';

const support = fileURLToPath(new URL('.', import.meta.url));
const modules = fileURLToPath(new URL('../../node_modules', import.meta.url));

/** What the process of the front tells. */
interface Report {
  readonly number: number;
  readonly answer: string | undefined;
}

/**
 * A front in a process of its own: it goes on answering while the event loop of the test is blocked, and can be suspended
 * and killed. Its sessions, transactions and live queries end with it, also when the engine is in another process.
 */
export class FrontProcess implements ServerAddress {
  readonly url: string;
  readonly username = 'root';
  readonly password = 'secret';
  readonly #setup: FrontSetup;
  #child: ChildProcess;
  #asked = 0;

  private constructor(setup: FrontSetup, child: ChildProcess, url: string) {
    this.#setup = setup;
    this.#child = child;
    this.url = url;
  }

  /** Starts one: by default with an engine of its own that stores in memory, and where everybody may do everything. */
  static async start(setup: FrontSetup = { engine: 'mem://' }): Promise<FrontProcess> {
    const { child, url } = await started(setup);
    return new FrontProcess(setup, child, url);
  }

  /** Where it listens. */
  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** Has requests answered later from now on. */
  async delay(methods: Delays['methods'], slow = 0): Promise<void> {
    await this.#ask({ delays: { methods, slow } });
  }

  /** Has it do this to its clients from now on. */
  async behave(conduct: Conduct): Promise<void> {
    await this.#ask({ conduct });
  }

  /** Asks the engine itself, past the front. */
  async query(query: string): Promise<unknown> {
    const { answer } = await this.#ask({ query, place: { namespace: 'test', database: 'test' } });
    return JSON.parse(answer ?? 'null');
  }

  /** Ends it in the midst of whatever it does, also when it is suspended. */
  async kill(): Promise<void> {
    await ended(this.#child, (child) => child.kill('SIGKILL'));
  }

  /** Starts it again, at the same address. */
  async start(): Promise<void> {
    const { child } = await started({ ...this.#setup, port: this.port });
    this.#child = child;
  }

  /** From now on it does nothing, and all its sockets stay open. */
  suspend(): void {
    this.#child.kill('SIGSTOP');
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }

  async end(): Promise<void> {
    this.resume();
    await ended(this.#child, (child) => child.disconnect());
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

async function started(setup: FrontSetup): Promise<{ child: ChildProcess; url: string }> {
  const child = fork(compiled(), [JSON.stringify(setup)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  if (running.size === 0) process.once('exit', killAll);
  running.add(child);
  child.once('exit', () => running.delete(child));
  const exited = once(child, 'exit').then(([code]) => {
    throw new Error(`the front ended with ${code} before it served`);
  });
  const [{ url }] = (await Promise.race([once(child, 'message'), exited])) as [{ url: string }];
  // It ends by itself later.
  exited.catch(() => {});
  return { child, url };
}

async function ended(child: ChildProcess, end: (child: ChildProcess) => void): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  end(child);
  await exit;
}

/** A process that is suspended does not see that this one has ended. */
const running = new Set<ChildProcess>();
function killAll(): void {
  for (const child of running) child.kill('SIGKILL');
}

let program: string | undefined;

/** The support of the tests as JavaScript, since Node 20 runs no TypeScript. Returns the file to start. */
function compiled(): string {
  if (program !== undefined) return program;
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
  writeFileSync(start, `import { serve } from './front-program.js';\nawait serve(JSON.parse(process.argv[2]));\n`);
  program = start;
  return start;
}
