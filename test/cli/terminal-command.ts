import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const command = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** util-linux gives a program a terminal of its own; its namesake on macOS has other options. */
export const hasTerminals: boolean =
  process.platform === 'linux' &&
  (spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux') ?? false);

export interface TerminalOptions {
  readonly columns?: number;
  readonly rows?: number;
  readonly environment?: Readonly<Record<string, string>>;
}

const running = new Set<ChildProcess>();

/** Ends commands that a test has left running. */
export function endCommands(): void {
  for (const child of running) child.kill();
}

/** The command on a terminal of its own, which tells after its end how it was left. */
export class TerminalCommand {
  /** All that the terminal got. */
  readonly ended: Promise<string>;
  readonly #process: ChildProcess;
  readonly #changed = new Set<() => void>();
  #text = '';

  constructor(parameters: string, { columns = 100, rows = 30, environment = {} }: TerminalOptions = {}) {
    const own = `sh -c 'echo pid=$$ tty=$(tty); exec "${process.execPath}" "${command}" ${parameters}'`;
    const line = `stty cols ${columns} rows ${rows}; ${own}; echo "code=$?"; stty -a`;
    // On CI, Node takes no terminal for one with colours.
    const { NO_COLOR: _, FORCE_COLOR: __, CI: ___, ...inherited } = process.env;
    this.#process = spawn('script', ['-qec', line, '/dev/null'], {
      env: { ...inherited, TERM: 'xterm-256color', ...environment },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#text += text;
      for (const look of this.#changed) look();
    });
    const child = this.#process;
    running.add(child);
    this.ended = once(child, 'close').then(() => {
      running.delete(child);
      return this.#text;
    });
  }

  /** Resolves as soon as something like that was shown; rejects when the command ends without it. */
  async showed(what: RegExp): Promise<string> {
    const seen = new Promise<void>((resolve) => {
      const look = (): void => {
        if (what.test(this.#text)) resolve();
      };
      this.#changed.add(look);
      look();
    });
    const silent = this.ended.then((text) => {
      if (!what.test(text)) throw new Error(`the command ended without showing ${what}:\n${text}`);
    });
    await Promise.race([seen, silent]);
    return this.#text;
  }

  press(keys: string): void {
    this.#process.stdin?.write(keys);
  }

  resize(columns: number, rows: number): void {
    const [, tty = ''] = /tty=(\S+)/.exec(this.#text) ?? [];
    spawnSync('stty', ['-F', tty, 'cols', String(columns), 'rows', String(rows)]);
  }

  signal(name: NodeJS.Signals): void {
    const [, pid] = /pid=(\d+)/.exec(this.#text) ?? [];
    process.kill(Number(pid), name);
  }
}
