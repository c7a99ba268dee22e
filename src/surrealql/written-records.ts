import { RecordId, StringRecordId } from 'surrealdb';
import type { SurrealText } from './surreal-text.js';
export function writtenRecords({ tokens }: SurrealText, bindings: Readonly<Record<string, unknown>>): string[] {
  const found: string[] = [];
  tokens.forEach((token, index) => {
    if (token.kind !== 'word' || !/^(?:CREATE|UPDATE|UPSERT|DELETE)$/.test(token.value)) return;
    let at = index + 1;
    while (/^(?:ONLY|FROM)$/.test(tokens[at]?.value ?? '')) at++;
    const [a, b, c] = tokens.slice(at, at + 3);
    if (a?.kind === 'parameter') {
      const v = bindings[a.value];
      if (v instanceof RecordId || v instanceof StringRecordId) found.push(String(v));
    } else if (a?.kind === 'word' && b?.text === ':' && c) found.push(`${a.text}:${c.text}`);
  });
  return found;
}
