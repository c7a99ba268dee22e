import { writeSync } from 'node:fs';

const esc = '\u001b';
/** The other screen, without a cursor, and without breaking long lines. */
const begin = `${esc}[?1049h${esc}[?25l${esc}[?7l`;
const end = `${esc}[?7h${esc}[?25h${esc}[?1049l`;
const toStart = `${esc}[H`;
const clearLine = `${esc}[K`;
const clearBelow = `${esc}[J`;

/** Keys by their sequences; what is not here is nobody's key. */
const keys: Readonly<Record<string, Key>> = {
  q: 'quit',
  Q: 'quit',
  '\u0003': 'interrupt',
  '\u001a': 'suspend',
  p: 'freeze',
  P: 'freeze',
  ' ': 'freeze',
  [`${esc}[A`]: 'up',
  [`${esc}OA`]: 'up',
  k: 'up',
  [`${esc}[B`]: 'down',
  [`${esc}OB`]: 'down',
  j: 'down',
  [`${esc}[C`]: 'right',
  [`${esc}OC`]: 'right',
  s: 'right',
  [`${esc}[D`]: 'left',
  [`${esc}OD`]: 'left',
  '\t': 'next',
};

/** One key: a sequence of a terminal, or a sign. */
const oneKey = new RegExp(`${esc}[[O][\\d;]*[A-Za-z~]|[\\s\\S]`, 'g');

export type Key = 'quit' | 'interrupt' | 'suspend' | 'freeze' | 'up' | 'down' | 'left' | 'right' | 'next';

/** What a terminal tells of. */
export interface TerminalUser {
  readonly pressed: (key: Key) => void;
  /** It has another size, or shows what it did before it was stopped. */
  readonly redraw: () => void;
}

/**
 * A terminal that is used as a whole, from its making to {@link Terminal.close}. However the process ends, short of being
 * killed by force, the terminal is left as it was found.
 */
export class Terminal {
  readonly #output: NodeJS.WriteStream;
  readonly #input: NodeJS.ReadStream | undefined;
  readonly #user: TerminalUser;
  #isOpen = false;

  constructor(output: NodeJS.WriteStream, input: NodeJS.ReadStream, user: TerminalUser) {
    this.#output = output;
    this.#input = input.isTTY ? input : undefined;
    this.#user = user;
    // After an error nobody caught too; Node writes the error after that, so that it is not gone with the other screen.
    process.on('exit', this.#restore);
    process.on('SIGCONT', this.#continue);
    output.on('resize', user.redraw);
    this.#input?.on('data', this.#read);
    this.#open();
  }

  /** Whether it has keys. */
  get hasKeys(): boolean {
    return this.#input !== undefined;
  }

  get columns(): number {
    // A terminal that does not know its size reports 0.
    return this.#output.columns || 80;
  }

  get rows(): number {
    return this.#output.rows || 24;
  }

  /** Shows lines in the place of those before. A terminal that has not yet taken those before is not given more. */
  show(lines: readonly string[]): void {
    if (!this.#isOpen || this.#output.writableNeedDrain) return;
    const text = lines.map((line) => line + clearLine).join('\r\n');
    this.#output.write(`${toStart}${text}${clearBelow}`);
  }

  close(): void {
    this.#restore();
    process.off('exit', this.#restore);
    process.off('SIGCONT', this.#continue);
    this.#output.off('resize', this.#user.redraw);
    this.#input?.off('data', this.#read);
    this.#input?.pause();
  }

  /** Gives the terminal back to the shell until it continues this process. */
  #suspend(): void {
    this.#restore();
    process.kill(process.pid, 'SIGTSTP');
  }

  #open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#input?.setRawMode(true).resume();
    this.#output.write(begin);
  }

  readonly #continue = (): void => {
    this.#open();
    this.#user.redraw();
  };

  readonly #restore = (): void => {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    try {
      // At once, since the process may be about to end.
      writeSync(1, end);
      this.#input?.setRawMode(false);
    } catch {
      // The terminal is gone.
    }
  };

  readonly #read = (bytes: Buffer | string): void => {
    // Several keys may come at once.
    for (const [sequence] of String(bytes).matchAll(oneKey)) {
      const key = Object.hasOwn(keys, sequence) ? keys[sequence] : undefined;
      if (key === 'suspend') this.#suspend();
      else if (key !== undefined) this.#user.pressed(key);
    }
  };
}
