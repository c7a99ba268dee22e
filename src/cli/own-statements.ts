import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { Refusal, show } from '../config/refusal.js';
import type { Statement } from './load-plan.js';

/** Reads the text of a `--query`, the so many-th. */
export function readQuery(text: string, number: number): Statement | Refusal {
  return text.trim() === ''
    ? new Refusal('statements of SurrealQL', 'an empty text')
    : { name: `query ${number}`, text, weight: 1 };
}

/** Reads a `--file`: a path, and behind an @ its weight, if it has one. */
export function readStatementFile(given: string): Statement | Refusal {
  const [, path = '', weight = '1'] = /^(.*?)(?:@(\d+(?:\.\d+)?))?$/s.exec(given) ?? [];
  const allowed = 'the path of a file with statements of SurrealQL, and perhaps @ and a weight above 0';
  if (!(Number(weight) > 0)) return new Refusal(allowed, `the weight ${show(weight)}`);
  let text: string;
  try {
    text = readFileSync(path, 'utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${error.code})` : '';
    return new Refusal(allowed, `${show(path)}, which cannot be read${code}`);
  }
  if (text.trim() === '') return new Refusal(allowed, `${show(path)}, which is empty`);
  return { name: basename(path), text, weight: Number(weight) };
}
