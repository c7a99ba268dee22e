import type { SqlExportOptions } from 'surrealdb';
import type { EndpointAddress } from '../endpoints/endpoint-address.js';
import { ExportError } from '../errors/backup.js';
import { messageOf } from '../errors/error-message.js';
import type { SdkEngine } from './engine.js';

/** What to export: the SDK's own options. */
export type ExportContent = Partial<SqlExportOptions>;

/** The database to export and the user to export it as. */
export interface ExportRequest {
  readonly namespace: string;
  readonly database: string;
  /** The access token of the user; undefined for an anonymous session. An embedded engine ignores it. */
  readonly token: string | undefined;
  readonly content: ExportContent;
}

/**
 * Asks a server for an export. Servers export over HTTP only, on the same port as WebSockets.
 *
 * @param signal ends the request, also while its answer is being read
 * @throws ExportError when the server refuses or sends no export; what `fetch` throws when there is no answer
 */
export async function requestExport(
  endpoint: EndpointAddress,
  request: ExportRequest,
  signal: AbortSignal,
): Promise<Response> {
  const { namespace, database, token, content } = request;
  const address = new URL(endpoint.url);
  address.protocol = address.protocol.replace('ws', 'http');
  address.pathname = address.pathname.replace(/rpc$/, 'export');
  const headers: Record<string, string> = {
    'Content-Type': 'application/json',
    'Surreal-NS': headerOf(namespace),
    'Surreal-DB': headerOf(database),
  };
  if (token !== undefined) headers.Authorization = `Bearer ${token}`;
  const body = JSON.stringify(content);
  const posting = { headers, body, signal };
  const response =
    endpoint.servername === undefined
      ? // Following a redirect would send the token elsewhere.
        await fetch(address, { method: 'POST', redirect: 'error', ...posting })
      : // Loaded on demand, like the sockets.
        await (await import('./named-request.js')).postByName(address, endpoint.servername, posting);
  if (response.status === 200) return response;
  const refusal = await response.text().catch(() => '');
  throw new ExportError(`${address.host} refuses the export: ${response.status} ${reasonIn(refusal)}`.trimEnd(), {
    outcome: response.status < 500 ? 'refused' : 'unknown',
  });
}

/** Checks a name for a header: the server reads it unescaped, and HTTP strips spaces around it. */
function headerOf(name: string): string {
  if (/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(name)) return name;
  throw new ExportError(
    `${JSON.stringify(name)} cannot be exported: HTTP takes no names with letters beyond ASCII, or with spaces around them`,
    { outcome: 'refused' },
  );
}

/** The reason in the server's answer, shortened. */
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
 * Runs the exports of one embedded engine one after the other. The engine exports on its default session, which is in
 * one database at a time and which nothing else uses. Calls on other sessions go on meanwhile.
 */
export class EmbeddedExports {
  readonly #engine: SdkEngine;
  #last: Promise<unknown> = Promise.resolve();

  constructor(engine: SdkEngine) {
    this.#engine = engine;
  }

  /** @param signal skips a request aborted before its turn; one under way cannot be stopped */
  run({ namespace, database, content }: ExportRequest, signal: AbortSignal): Promise<Response> {
    const mine = this.#last.then(async () => {
      signal.throwIfAborted();
      await this.#engine.use({ namespace, database }, undefined);
      try {
        return await this.#engine.exportSql(content);
      } catch (cause) {
        throw new ExportError(`the embedded engine returned no export: ${messageOf(cause)}`, {
          outcome: 'refused',
          cause,
        });
      } finally {
        await this.#engine.use({ namespace: null, database: null }, undefined);
      }
    });
    this.#last = mine.catch(() => {});
    return mine as Promise<Response>;
  }
}
