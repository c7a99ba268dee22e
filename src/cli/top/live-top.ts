import type { ConsoleMessage } from '../../console/index.js';
import type { Paint } from '../output.js';
import { shown } from './console-client.js';
import { type Key, Terminal } from './terminal.js';
import type { TopOptions } from './top-options.js';
import { topScreen } from './top-screen.js';
import { leaseOrders, type TopView } from './top-view.js';

/** What a user of the screen can do to what is read. */
export interface TopControls {
  readonly end: (by: 'quit' | 'interrupt') => void;
  readonly choosePool: (name: string) => void;
}

/** The screen of `surreal-pool top`: it shows what comes and obeys the keys, from its making to {@link LiveTop.close}. */
export class LiveTop {
  readonly #options: TopOptions;
  readonly #paint: Paint;
  readonly #controls: TopControls;
  readonly #terminal: Terminal;
  #newest: ConsoleMessage | undefined;
  /** What was there when the screen was frozen. */
  #frozen: ConsoleMessage | undefined;
  #lost: TopView['lost'];
  #order = 0;
  #scrolled = 0;

  constructor(
    options: TopOptions,
    { output, input }: { output: NodeJS.WriteStream; input: NodeJS.ReadStream },
    paint: Paint,
    controls: TopControls,
  ) {
    this.#options = options;
    this.#paint = paint;
    this.#controls = controls;
    this.#terminal = new Terminal(output, input, {
      pressed: (key) => this.#press(key),
      redraw: () => this.#draw(),
    });
  }

  show(message: ConsoleMessage): void {
    this.#newest = message;
    this.#lost = undefined;
    this.#draw();
  }

  lose(since: number, reason: string): void {
    this.#lost = { since, reason };
    this.#draw();
  }

  close(): void {
    this.#terminal.close();
  }

  #draw(): void {
    const message = this.#frozen ?? this.#newest;
    if (message === undefined) return;
    const { columns, rows, hasKeys } = this.#terminal;
    const view: TopView = {
      message,
      source: shown(this.#options.page),
      lost: this.#lost,
      frozen: this.#frozen !== undefined,
      order: leaseOrders[this.#order] ?? 'held',
      scrolled: this.#scrolled,
      keys: hasKeys,
    };
    this.#terminal.show(topScreen(view, { columns, rows }, this.#paint));
  }

  #press(key: Key): void {
    if (key === 'quit' || key === 'interrupt') {
      this.#controls.end(key);
      return;
    }
    if (key === 'freeze') this.#frozen = this.#frozen === undefined ? this.#newest : undefined;
    if (key === 'left' || key === 'right') {
      this.#order = (this.#order + (key === 'right' ? 1 : leaseOrders.length - 1)) % leaseOrders.length;
      this.#scrolled = 0;
    }
    if (key === 'up') this.#scrolled = Math.max(0, this.#scrolled - 1);
    if (key === 'down') {
      const last = (this.#frozen ?? this.#newest)?.snapshot?.leases.shown.length ?? 0;
      this.#scrolled = Math.min(Math.max(0, last - 1), this.#scrolled + 1);
    }
    if (key === 'next') this.#nextPool();
    this.#draw();
  }

  #nextPool(): void {
    const pools = this.#newest?.pools ?? [];
    const place = pools.findIndex(({ name }) => name === this.#newest?.snapshot?.pool);
    const next = pools[(place + 1) % Math.max(1, pools.length)];
    if (next === undefined || pools.length < 2) return;
    this.#frozen = undefined;
    this.#scrolled = 0;
    this.#controls.choosePool(next.name);
  }
}
