/**
 * The caller's own text in a query on the wire. For what a server gets wrong within transactions, the pool adds a `USE`
 * before it, and a statement behind each that writes: see src/surrealql/mended-text.ts.
 */
export function ownText(text: unknown): string {
  return String(text)
    .replace(/^USE NS '(?:[^'\\]|\\.)*' DB '(?:[^'\\]|\\.)*';\n/, '')
    .replaceAll(/\s*; ?\n?ACCESS _own_writes ON DATABASE SHOW ALL/g, '');
}
