import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Refusal, show } from '../config/refusal.js';
import { consoleHandler } from '../console/index.js';
import type { ConnectionManager } from '../manager.js';

/** Where `surreal-pool load --ui` shows its pool, and where `surreal-pool top` looks. */
export const defaultUiPort = 8010;
/** So many ports from there on are tried. */
const triedPorts = 20;
const loopback = '127.0.0.1';

/** A port, 0 for any that is free; `next`: {@link defaultUiPort}, or the next one that is free. */
export type UiPort = number | 'next';

export function readUiPort(text: string): UiPort | Refusal {
  if (text === '') return 'next';
  const port = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return port <= 65_535 ? port : new Refusal('a port from 0 (any that is free) to 65535, or no value', show(text));
}

/** Where pools of a load are shown while they last. */
export interface LoadUi {
  /** Shows a pool from now on, and says where when it is the first. */
  readonly show: (pool: ConnectionManager) => void;
}

export const noUi: LoadUi = { show: () => {} };

/**
 * The live page of the pools of a load, for this machine alone, and without actions. It ends with {@link LoadPage.close}, and
 * does not keep the process alive.
 */
export class LoadPage implements LoadUi {
  readonly #server: Server;
  readonly #say: (line: string) => void;
  readonly #pools: ConnectionManager[] = [];

  /**
   * @param say tells the user where the page is
   * @throws Error when it cannot listen at the port
   */
  static async open(port: UiPort, say: (line: string) => void): Promise<LoadPage> {
    const page = new LoadPage(say);
    const first = port === 'next' ? defaultUiPort : port;
    const last = port === 'next' ? first + triedPorts - 1 : port;
    for (let tried = first; ; tried++) {
      try {
        await page.#listen(tried);
        return page;
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        if (code === 'EADDRINUSE' && tried < last) continue;
        const advice = port === 'next' ? 'give --ui another port' : 'without a number --ui takes one that is free';
        throw new Error(`the page cannot be served at port ${tried} (${code ?? message}): ${advice}`, { cause: error });
      }
    }
  }

  private constructor(say: (line: string) => void) {
    this.#say = say;
    const handler = consoleHandler(() => this.#pools);
    this.#server = createServer((request, response) => void handler(request, response))
      // Without a listener a connection that cannot be accepted would end the load.
      .on('error', () => {})
      .unref();
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  readonly show = (pool: ConnectionManager): void => {
    this.#pools.push(pool);
    if (this.#pools.length > 1) return;
    const { port } = this;
    const where = port === defaultUiPort ? '' : ` http://${loopback}:${port}`;
    this.#say(`the pool is shown at http://${loopback}:${port}/ and by surreal-pool top${where}`);
  };

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #listen(port: number): Promise<void> {
    this.#server.listen(port, loopback);
    await once(this.#server, 'listening');
  }
}
