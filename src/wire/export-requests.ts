import type { SqlExportOptions } from 'surrealdb';
import { ExportError } from '../errors/backup.js';
import { messageOf } from '../errors/error-message.js';
import type { SdkEngine } from './engine.js';

/** What is exported: the SDK's own options. */
export type ExportContent = Partial<SqlExportOptions>;

/** One database that is exported, and as whom. */
export interface ExportRequest {
  readonly namespace: string;
  readonly database: string;
  /** The access token of who asks; undefined for an anonymous one. An embedded engine looks at none. */
  readonly token: string | undefined;
  readonly content: ExportContent;
}

/**
 * Asks a server for an export, which it gives over HTTP only, at the port of its sockets.
 *
 * @param signal ends the request, also while its answer is being read
 * @throws ExportError when the server refuses, or its answer is none; what `fetch` throws when there is no answer
 */
export async function requestExport(url: string, request: ExportRequest, signal: AbortSignal): Promise<Response> {
  const { namespace, database, token, content } = request;
  const address = new URL(url);
  address.protocol = address.protocol.replace('ws', 'http');
  address.pathname = address.pathname.replace(/rpc$/, 'export');
  const headers: Record<string, string> = {
    'Content-Type': 'application/json',
    'Surreal-NS': headerOf(namespace),
    'Surreal-DB': headerOf(database),
  };
  if (token !== undefined) headers.Authorization = `Bearer ${token}`;
  const body = JSON.stringify(content);
  // A redirection would carry the token elsewhere.
  const response = await fetch(address, { method: 'POST', headers, body, signal, redirect: 'error' });
  if (response.status === 200) return response;
  const refusal = await response.text().catch(() => '');
  throw new ExportError(`${address.host} refuses the export: ${response.status} ${reasonIn(refusal)}`.trimEnd(), {
    outcome: response.status < 500 ? 'refused' : 'unknown',
  });
}

/** The server reads names out of headers as they are, and HTTP takes away the spaces around them. */
function headerOf(name: string): string {
  if (/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(name)) return name;
  throw new ExportError(
    `${JSON.stringify(name)} cannot be exported: HTTP takes no names with letters beyond ASCII, or with spaces around them`,
    { outcome: 'refused' },
  );
}

/** What a server says of it, in short. */
function reasonIn(text: string): string {
  const longest = 200;
  try {
    const { information, details } = Object(JSON.parse(text)) as Record<string, unknown>;
    return String(information ?? details ?? '').slice(0, longest);
  } catch {
    return text.slice(0, longest);
  }
}

/**
 * The exports of one embedded engine. It makes them on its own session, which is in one database at a time and which nothing
 * else uses: so they are made one after the other. Calls on other sessions go on meanwhile.
 */
export class EmbeddedExports {
  readonly #engine: SdkEngine;
  #last: Promise<unknown> = Promise.resolve();

  constructor(engine: SdkEngine) {
    this.#engine = engine;
  }

  /** @param signal a request that is aborted before its turn is not made; one that is under way cannot be ended */
  run({ namespace, database, content }: ExportRequest, signal: AbortSignal): Promise<Response> {
    const mine = this.#last.then(async () => {
      signal.throwIfAborted();
      await this.#engine.use({ namespace, database }, undefined);
      try {
        return await this.#engine.exportSql(content);
      } catch (cause) {
        throw new ExportError(`the embedded engine gave no export: ${messageOf(cause)}`, { outcome: 'refused', cause });
      } finally {
        await this.#engine.use({ namespace: null, database: null }, undefined);
      }
    });
    this.#last = mine.catch(() => {});
    return mine as Promise<Response>;
  }
}
