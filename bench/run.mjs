// npm run bench: measures what docs/performance.md tells. Every bench is a file of bench/suite/.
//
//   --only NAME    this bench alone; may be given more than once
//   --rounds N     rounds of each comparison (31): fewer are faster and tell less
//   --json         the results as data, on stdout
//   --list         the names and what they ask
import { readdirSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { asText } from './harness/results.mjs';
// Parts of the pool are measured from their sources: dist/ has them in one file.
import './support/typescript-loader.mjs';

/**
 * @typedef {{ rounds: number, say: (text: string) => void }} BenchOptions
 * @typedef {{ question: string, run: (options: BenchOptions) => AsyncIterable<import('./harness/results.mjs').Result> }} Bench
 */

const folder = new URL('suite/', import.meta.url);
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.mjs'))
  .map((file) => file.slice(0, -'.mjs'.length))
  .sort();

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    rounds: { type: 'string', default: '31' },
    json: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const chosen = values.only ?? names;
const unknown = chosen.filter((name) => !names.includes(name));
if (!Number.isInteger(rounds) || rounds < 1 || unknown.length > 0) {
  const problem = unknown.length > 0 ? `--only: given ${unknown.join(', ')}; allowed: ${names.join(', ')}` : undefined;
  console.error(problem ?? `--rounds: given ${values.rounds}; allowed: a whole number, 1 or more`);
  process.exit(2);
}

/** @param {string} text */
const say = (text) => void process.stderr.write(`${text}\n`);

/** @type {Record<string, { question: string, results: import('./harness/results.mjs').Result[] }>} */
const benches = {};
const machine = { node: process.version, processor: cpus()[0]?.model ?? 'unknown', cores: cpus().length };
if (!values.json && !values.list) {
  console.log(
    `Node ${machine.node}, ${machine.cores} × ${machine.processor}. Ratios are to the first row of a table.\n`,
  );
}
for (const name of chosen) {
  const bench = /** @type {Bench} */ (await import(new URL(`${name}.mjs`, folder).href));
  if (values.list) {
    console.log(`${name}: ${bench.question}`);
    continue;
  }
  if (values.json) say(`${name} …`);
  else console.log(`## ${name}: ${bench.question}\n`);
  /** @type {import('./harness/results.mjs').Result[]} */
  const results = [];
  for await (const result of bench.run({ rounds, say })) {
    results.push(result);
    if (!values.json) console.log(asText(result));
  }
  benches[name] = { question: bench.question, results };
}
if (values.json) console.log(JSON.stringify({ machine, rounds, benches }, undefined, 2));
// By force, because an embedded engine may keep threads that hold the process.
process.exit(0);
