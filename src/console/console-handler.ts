import { type HttpHandler, httpHandler } from '../http/http-handler.js';
import type { HttpReply, HttpRequest } from '../http/http-message.js';
import { RefusedRequest } from '../http/refused-request.js';
import { jsonReply, lastSegment, methodNotAllowed, reads } from '../http/replies.js';
import type { ConnectionManager } from '../manager.js';
import { type Pools, requirePools } from '../metrics/pools.js';
import { act, isAction, readAction } from './actions.js';
import { Admission } from './admission.js';
import { type ConsoleOptions, readConsoleOptions } from './console-options.js';
import { EventStream } from './event-stream.js';
import { LiveFeed } from './live-feed.js';
import { pageReply } from './page.js';

/** So many look at one handler at a time: each gets every snapshot. */
const mostViewers = 32;

/**
 * The live page of pools, and its data. By the last segment of the path it answers:
 * - `events`: server-sent events, each a {@link ConsoleMessage} in JSON; `?pool=name` chooses a pool;
 * - `snapshot`: the pool now, a `ConsoleSnapshot` in JSON;
 * - `connection?id=7`: one connection with its holder and where it was acquired, a `ConnectionReport` in JSON;
 * - with `actions: true` a POST to `pause`, `resume`, `recycle`, `drain`, `undrain` or `end-lease`, with a JSON object that may have
 *   `pool`, `endpoint`, `connection` and `reason`;
 * - anything else: the page.
 *
 * It is answered for clients of this machine alone unless `allowRemote` says otherwise. It shows no value of a query and no
 * secret, but statements, agents, users and where connections were acquired: see docs/console.md.
 *
 * @param pools a pool, a list of pools, or a function that gives those that are there now
 * @throws ConfigurationError for options that cannot be used, and for `actions` or `allowRemote` without a `token`
 * @throws UsageError for anything else than pools
 */
export function consoleHandler(pools: Pools, options: ConsoleOptions = {}): HttpHandler {
  const read = readConsoleOptions(options);
  requirePools(pools);
  const admission = new Admission(read);
  const feed = new LiveFeed(pools, read.interval, read.actions);

  const manager = (name: string | undefined): ConnectionManager => {
    const found = feed.find(name);
    if (found !== undefined) return found;
    throw new RefusedRequest(404, name === undefined ? 'There is no pool.' : 'There is no pool of this name.');
  };

  const data: Record<string, (request: HttpRequest, pool: string | undefined) => HttpReply> = {
    events: (request, pool) => {
      if (request.method === 'HEAD') return { status: 200, headers: streamHeaders, body: '' };
      if (feed.viewers >= mostViewers) throw new RefusedRequest(429, `${mostViewers} look already.`);
      const body = new EventStream((show) => feed.view(pool, show), request.signal);
      return { status: 200, headers: streamHeaders, body };
    },
    snapshot: (_request, pool) => {
      manager(pool);
      return jsonReply(200, feed.once(pool).snapshot ?? {});
    },
    connection: (request, pool) => {
      const id = Number(request.query.get('id') ?? Number.NaN);
      const found = manager(pool)
        .connections()
        .find((connection) => connection.id === id);
      if (found === undefined) throw new RefusedRequest(404, 'The pool has no such connection any more.');
      return jsonReply(200, found);
    },
  };

  return httpHandler(async (request) => {
    const name = lastSegment(request.path);
    const pool = request.query.get('pool') ?? undefined;
    const show = Object.hasOwn(data, name) ? data[name] : undefined;
    if (isAction(name)) {
      if (request.method !== 'POST') return methodNotAllowed(['POST']);
      admission.toAction(request);
      const asked = readAction(await request.body());
      const done = act(name, manager(asked.pool ?? pool), asked, request.remoteAddress ?? 'an unknown address');
      return jsonReply(200, { done });
    }
    if (!reads(request.method)) return methodNotAllowed(['GET', 'HEAD']);
    if (show === undefined) {
      admission.toPage(request);
      return pageReply();
    }
    admission.toData(request);
    return show(request, pool);
  });
}

const streamHeaders = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store, no-transform',
  'x-content-type-options': 'nosniff',
  // Proxies of this kind keep back what they do not know to be a stream.
  'x-accel-buffering': 'no',
};
