import type { Place } from './backend.js';
import { Front } from './front.js';
import { SharedEngine } from './shared-engine.js';

/** How much later than at once requests are answered, in milliseconds. */
export interface Delays {
  /** By the method of the request. */
  readonly methods: Readonly<Record<string, number>>;
  /** Queries with the word SLOW in their text. */
  readonly slow: number;
}

/** What is asked of the process of a front: new delays, or the answer to a query. */
export type Message =
  | { readonly number: number; readonly delays: Delays }
  | { readonly number: number; readonly query: string; readonly place: Place };

/** A front that is a process: see `FrontProcess`. */
export async function serve(): Promise<void> {
  const engine = await SharedEngine.open('mem://');
  await engine.query('DEFINE NAMESPACE test; USE NS test; DEFINE DATABASE test');
  const front = await Front.listen(engine);
  let delays: Delays = { methods: {}, slow: 0 };
  front.onRequest = ({ method, params }) => {
    const isSlow = method === 'query' && /\bSLOW\b/.test(String(params?.[0]));
    const delay = isSlow ? delays.slow : delays.methods[method];
    return delay === undefined ? 'pass' : { delay };
  };
  process.on('message', async (message: Message) => {
    if ('delays' in message) delays = message.delays;
    const answer = 'query' in message ? JSON.stringify(await engine.query(message.query, message.place)) : undefined;
    process.send?.({ number: message.number, answer });
  });
  process.on('disconnect', () => process.exit());
  process.send?.({ url: front.url });
}
