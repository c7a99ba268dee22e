import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import fastify from 'fastify';
import { Hono } from 'hono';
import type { HttpHandler } from '../../src/http/http-handler.js';

export interface Serving {
  readonly url: string;
  close(): Promise<void>;
}

/** Real servers that mount one handler at every path. */
export const servers: Readonly<Record<string, (handler: HttpHandler) => Promise<Serving>>> = {
  'node:http': async (handler) => {
    const server = createServer(handler);
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    return {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      close: () =>
        new Promise((closed) => {
          server.close(() => closed());
          server.closeAllConnections();
        }),
    };
  },
  Fastify: async (handler) => {
    const app = fastify({ forceCloseConnections: true });
    app.route({ method: ['GET', 'POST'], url: '/*', handler: handler.fastify });
    return { url: await app.listen({ port: 0, host: '127.0.0.1' }), close: () => app.close() };
  },
  Hono: async (handler) => {
    const app = new Hono();
    app.all('*', handler.fetch);
    return await new Promise((started) => {
      const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => {
        started({
          url: `http://127.0.0.1:${port}`,
          close: () =>
            new Promise((closed) => {
              server.close(() => closed());
              if ('closeAllConnections' in server) server.closeAllConnections();
            }),
        });
      });
    });
  },
};
