import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type HttpHandler, httpHandler } from '../../src/http/http-handler.js';
import { type HttpAnswer, type HttpReply, type HttpRequest, longestBody } from '../../src/http/http-message.js';
import { lastSegment, methodNotAllowed, notFound, textReply } from '../../src/http/replies.js';
import { type Serving, servers } from './servers.js';

/** A stream under the test's control, which counts what is asked of it. */
class Source implements AsyncIterable<string> {
  asked = 0;
  closed = 0;
  readonly #texts: string[];
  readonly #atEnd: 'end' | 'wait' | 'fail' | 'repeat';

  constructor(texts: string[], atEnd: 'end' | 'wait' | 'fail' | 'repeat') {
    this.#texts = texts;
    this.#atEnd = atEnd;
  }

  [Symbol.asyncIterator](): AsyncIterator<string> {
    return {
      next: async () => {
        const text = this.#texts[this.asked++];
        if (text !== undefined) return { done: false, value: text };
        if (this.#atEnd === 'wait') await new Promise(() => undefined);
        if (this.#atEnd === 'fail') throw new Error('the source broke');
        if (this.#atEnd === 'repeat') return { done: false, value: 'x'.repeat(65_536) };
        return { done: true, value: undefined };
      },
      return: async () => {
        this.closed++;
        return { done: true, value: undefined };
      },
    };
  }
}

const streamed = (body: AsyncIterable<string>): HttpReply => ({
  status: 200,
  headers: { 'content-type': 'text/event-stream' },
  body,
});

const open: Serving[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((serving) => serving.close()));
});

/** The warnings of the process while `work` runs. */
async function warningsDuring(work: () => Promise<void>): Promise<string[]> {
  const warnings: string[] = [];
  const emit = vi.spyOn(process, 'emitWarning').mockImplementation((warning) => void warnings.push(String(warning)));
  try {
    await work();
    return warnings;
  } finally {
    emit.mockRestore();
  }
}

/** Sends these bytes; resolves with all that comes back until the server closes. */
async function raw(url: string, bytes: string | Buffer): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  let received = '';
  socket.on('data', (chunk) => {
    received += chunk;
  });
  socket.on('error', () => undefined);
  socket.write(bytes);
  await once(socket, 'close');
  return received;
}

describe.each(Object.entries(servers))('a handler on %s', (server, start) => {
  async function serving(answer: HttpAnswer): Promise<string> {
    const one = await start(httpHandler(answer));
    open.push(one);
    return one.url;
  }

  test('tells the request and sends the reply', async () => {
    let seen: HttpRequest | undefined;
    const url = await serving((request) => {
      seen = request;
      return { status: 203, headers: { 'content-type': 'text/x-own', 'x-own': 'yes' }, body: 'grüß dich' };
    });
    const response = await fetch(`${url}/a/b%20c?q=1&q=2`, { headers: { 'X-Given': 'v' } });
    expect(await response.text()).toBe('grüß dich');
    expect([response.status, response.headers.get('x-own'), response.headers.get('content-length')]).toEqual([
      203,
      'yes',
      '11',
    ]);
    expect(response.headers.get('content-type')).toMatch(/^text\/x-own/);
    expect([seen?.method, seen?.path, seen?.query.getAll('q')]).toEqual(['GET', '/a/b%20c', ['1', '2']]);
    expect([seen?.headers('x-GIVEN'), seen?.headers('x-missing')]).toEqual(['v', undefined]);
    expect(seen?.remoteAddress).toBe('127.0.0.1');
    expect(seen?.signal.aborted).toBe(false);
  });

  test('sends no body to HEAD, and opens no stream for it', async () => {
    const source = new Source(['a'], 'wait');
    const url = await serving(({ path }) => (path === '/stream' ? streamed(source) : textReply(200, 'hello')));
    const response = await fetch(`${url}/text`, { method: 'HEAD' });
    expect([response.status, response.headers.get('content-length'), await response.text()]).toEqual([200, '6', '']);
    expect((await fetch(`${url}/stream`, { method: 'HEAD' })).status).toBe(200);
    expect([source.asked, source.closed]).toEqual([0, 1]);
  });

  test('reads a body', async () => {
    const url = await serving(async ({ method, body }) => textReply(200, `${method} ${await body()}`));
    const longest = 'x'.repeat(longestBody);
    for (const body of ['{"a":"ü"}', '', longest]) {
      const response = await fetch(url, { method: 'POST', body });
      expect(await response.text()).toBe(`POST ${body}\n`);
    }
    const json = { method: 'POST', body: '{"a": 1}', headers: { 'content-type': 'application/json' } };
    expect(JSON.parse((await (await fetch(url, json)).text()).slice(5))).toEqual({ a: 1 });
  });

  test('refuses a body that is too long, with and without its length', async () => {
    const url = await serving(async ({ body }) => textReply(200, await body()));
    const text = 'x'.repeat(longestBody + 1);
    const chunks = new ReadableStream({
      start(controller) {
        for (const part of [text.slice(0, 30_000), text.slice(30_000)]) controller.enqueue(Buffer.from(part));
        controller.close();
      },
    });
    for (const body of [text, chunks]) {
      const headers = { 'content-type': 'text/plain' };
      const response = await fetch(url, { method: 'POST', body, duplex: 'half', headers } as RequestInit);
      expect([response.status, await response.text()]).toEqual([
        413,
        'The body of the request is longer than 65536 bytes.\n',
      ]);
    }
    // The server goes on.
    expect((await fetch(url)).status).toBe(200);
  });

  test.skipIf(server === 'Fastify')('refuses a body that is no UTF-8', async () => {
    const url = await serving(async ({ body }) => textReply(200, await body()));
    const response = await fetch(url, { method: 'POST', body: Buffer.from([0x61, 0xff]) });
    expect([response.status, await response.text()]).toEqual([400, 'The body of the request is no UTF-8.\n']);
  });

  test('hears of a client that leaves within its body', async () => {
    let settle: (error: unknown) => void = () => undefined;
    const refused = new Promise((resolve) => {
      settle = resolve;
    });
    const url = await serving(async ({ body }) => {
      await body().catch(settle);
      return textReply(200, 'never read');
    });
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\nhalf');
    await new Promise((sent) => setTimeout(sent, 50));
    socket.destroy();
    // Fastify reads the body before it calls the handler, and then does not call it.
    if (server !== 'Fastify') expect(await refused).toMatchObject({ name: 'RefusedRequest', status: 400 });
    expect((await fetch(url)).status).toBe(200);
  });

  test('answers an address that cannot be read, and goes on', async () => {
    const url = await serving(() => textReply(200, 'read'));
    for (const target of ['http://[', '*', '//', '/%zz', '/?%zz=%']) {
      const reply = await raw(url, `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      expect(reply).toMatch(/^HTTP\/1\.1 (200|400|404) /);
    }
    expect(await (await fetch(url)).text()).toBe('read\n');
  });

  test('answers 500 for an answer that throws, without its message', async () => {
    let url = '';
    const warnings = await warningsDuring(async () => {
      url = await serving(() => {
        throw new Error('secret: hunter2');
      });
      const response = await fetch(url);
      expect(response.status).toBe(500);
      expect(await response.text()).not.toContain('hunter2');
    });
    expect(warnings).toEqual(['a request could not be answered: secret: hunter2']);
  });

  test('ends a reply that HTTP does not have, and goes on', async () => {
    const url = await serving(({ path }) =>
      path === '/' ? textReply(200, 'well') : { status: 200, headers: { 'x-broken': 'a\r\nb: c' }, body: 'text' },
    );
    await warningsDuring(async () => {
      const status = await fetch(`${url}/broken`).then(
        (response) => response.status,
        () => 'cut off',
      );
      expect(status).not.toBe(200);
    });
    expect((await fetch(url)).status).toBe(200);
  });

  test('sends each text of a stream when it comes, and its end', async () => {
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    async function* texts(): AsyncGenerator<string> {
      yield 'data: 1\n\n';
      yield '';
      await released;
      yield 'data: zwei ☂\n\n';
    }
    const url = await serving(() => streamed(texts()));
    const response = await fetch(url);
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe('data: 1\n\n');
    release();
    expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe('data: zwei ☂\n\n');
    expect((await reader.read()).done).toBe(true);
    expect(response.headers.get('content-type')).toContain('text/event-stream');
  });

  test('closes a stream once when the client leaves, also while its source waits', async () => {
    const source = new Source(['data: 1\n\n'], 'wait');
    let signal: AbortSignal | undefined;
    const url = await serving((request) => {
      signal = request.signal;
      return streamed(source);
    });
    const client = new AbortController();
    const response = await fetch(url, { signal: client.signal });
    await (response.body as ReadableStream<Uint8Array>).getReader().read();
    expect(source.closed).toBe(0);
    client.abort();
    await vi.waitFor(() => expect([source.closed, signal?.aborted]).toEqual([1, true]));
    expect(source.asked).toBe(2);
  });

  test('closes a stream that is answered after the client has left', async () => {
    const source = new Source(['a'], 'wait');
    let arrived: () => void = () => undefined;
    const arrival = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const url = await serving(async ({ signal }) => {
      arrived();
      if (!signal.aborted) await once(signal, 'abort');
      return streamed(source);
    });
    const client = new AbortController();
    const response = fetch(url, { signal: client.signal }).catch(() => undefined);
    await arrival;
    client.abort();
    await response;
    await vi.waitFor(() => expect(source.closed).toBe(1));
  });

  test('cuts off a stream whose source fails, and goes on', async () => {
    const url = await serving(({ path }) =>
      path === '/' ? textReply(200, 'well') : streamed(new Source(['data: 1\n\n'], 'fail')),
    );
    await warningsDuring(async () => {
      const read = fetch(`${url}/stream`).then((response) => response.text());
      await expect(read).rejects.toThrow();
    });
    expect((await fetch(url)).status).toBe(200);
  });

  test('asks a source for no more than the client takes, and closes it when the client goes', async () => {
    const source = new Source([], 'repeat');
    const url = await serving(() => streamed(source));
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.pause();
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    // The buffers on the way fill up, then nothing more is asked for.
    let before = -1;
    await vi.waitFor(
      () => {
        const now = source.asked;
        const still = now === before && now > 0;
        before = now;
        expect(still).toBe(true);
      },
      { interval: 200, timeout: 10_000 },
    );
    expect(source.closed).toBe(0);
    socket.destroy();
    await vi.waitFor(() => expect(source.closed).toBe(1));
  });
});

describe('a handler', () => {
  test('takes a Request of fetch by itself', async () => {
    const handler: HttpHandler = httpHandler(({ path, remoteAddress }) => textReply(200, `${path} ${remoteAddress}`));
    const { fetch: alone } = handler;
    expect(await (await alone(new Request('http://localhost/a/readyz'))).text()).toBe('/a/readyz undefined\n');
  });

  test('closes its stream when the signal of the Request is aborted', async () => {
    const source = new Source(['a'], 'wait');
    const client = new AbortController();
    const request = new Request('http://localhost/', { signal: client.signal });
    const response = await httpHandler(() => streamed(source)).fetch(request);
    const read = response.text();
    await vi.waitFor(() => expect(source.asked).toBe(2));
    client.abort();
    expect(await read).toBe('a');
    expect(source.closed).toBe(1);
  });

  test('closes its stream when the body of the Response is cancelled', async () => {
    const source = new Source(['a'], 'wait');
    let signal: AbortSignal | undefined;
    const handler = httpHandler((request) => {
      signal = request.signal;
      return streamed(source);
    });
    const { body } = await handler.fetch(new Request('http://localhost/'));
    const reader = (body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    await reader.cancel();
    expect([source.closed, signal?.aborted]).toEqual([1, true]);
  });

  test('sends no body with a status that has none', async () => {
    const response = await httpHandler(() => textReply(204, 'nothing')).fetch(new Request('http://localhost/'));
    expect([response.status, await response.text()]).toEqual([204, '']);
  });
});

describe('the replies', () => {
  test('find the last segment of a path', () => {
    const paths = ['/readyz', '/a/readyz/', 'readyz', '//a//readyz//', '/', ''];
    expect(paths.map(lastSegment)).toEqual(['readyz', 'readyz', 'readyz', 'readyz', '', '']);
  });

  test('say what can be asked for', () => {
    expect(notFound(['livez', 'readyz'])).toMatchObject({
      status: 404,
      body: expect.stringContaining('livez, readyz'),
    });
    expect(methodNotAllowed(['GET', 'HEAD'])).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
  });
});
