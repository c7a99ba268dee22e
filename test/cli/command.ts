import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const command = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command in a process of its own, as somebody would start it. */
export class Command {
  readonly ended: Promise<Outcome>;
  readonly #process: ChildProcess;
  #stdout = '';
  #stderr = '';
  readonly #changed = new Set<() => void>();

  constructor(parameters: readonly string[], environment: Record<string, string> = {}) {
    this.#process = spawn(process.execPath, [command, ...parameters], {
      env: { ...process.env, SURREAL_POOL_USERNAME: '', SURREAL_POOL_PASSWORD: '', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process.stdout?.setEncoding('utf8').on('data', (text: string) => this.#note(() => (this.#stdout += text)));
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => this.#note(() => (this.#stderr += text)));
    this.ended = once(this.#process, 'close').then(([code]) => ({
      code: code as number | null,
      stdout: this.#stdout,
      stderr: this.#stderr,
    }));
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  /** Resolves as soon as something like that was written to stderr; rejects when the command ends without it. */
  async told(what: RegExp): Promise<string> {
    return await this.#heard(() => this.#stderr, what);
  }

  /** The same for stdout. */
  async wrote(what: RegExp): Promise<string> {
    return await this.#heard(() => this.#stdout, what);
  }

  /** @returns all that was written until then */
  async #heard(written: () => string, what: RegExp): Promise<string> {
    const heard = new Promise<void>((resolve) => {
      const look = (): void => {
        if (what.test(written())) resolve();
      };
      this.#changed.add(look);
      look();
    });
    const silent = this.ended.then(({ stderr }) => {
      if (!what.test(written())) throw new Error(`the command ended without telling ${what}:\n${written()}\n${stderr}`);
    });
    await Promise.race([heard, silent]);
    return written();
  }

  #note(change: () => void): void {
    change();
    for (const look of this.#changed) look();
  }
}

/** Runs the command to its end. */
export function run(parameters: readonly string[], environment?: Record<string, string>): Promise<Outcome> {
  return new Command(parameters, environment).ended;
}
