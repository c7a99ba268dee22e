import type { HttpRequest } from './http-message.js';

/** The path and the query of a request line, which may also hold a whole address. Undefined when it cannot be read. */
export function targetOf(url: string): Pick<HttpRequest, 'path' | 'query'> | undefined {
  try {
    // A path that begins with `//` would be read as a host.
    const { pathname, searchParams } = new URL(url.startsWith('/') ? `http://localhost${url}` : url);
    return { path: pathname, query: searchParams };
  } catch {
    return undefined;
  }
}
