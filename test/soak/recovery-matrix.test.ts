import '../support/fast-time.js';
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { projectFolder } from '../support/documentation.js';
import { outages, type Recovery, recover } from '../support/recovery.js';
import { surroundings } from '../support/surroundings.js';

// What a pool does in each kind of outage, over real sockets, printed as the table that stands in docs/failures.md. With
// RECOVERY=write it is written there. It asserts nothing of the figures: see test/scenarios/recovery.test.ts for that.

const own = surroundings();
const path = `${projectFolder}docs/failures.md`;
const [begin, end] = ['<!-- recovery -->', '<!-- /recovery -->'];

/** Each in milliseconds, and how much faster than real time it passes. */
const lengths: readonly [name: string, duration: number, rate: number][] = [
  ['1 s', 1_000, 1],
  ['60 s', 60_000, 20],
  ['10 min', 600_000, 60],
];

function figures({ tried, healthyDuring, healthyAfter, back }: Recovery, seconds: number): string[] {
  const percent = (share: number): string => `${Math.round(100 * share)} %`;
  const came = back === undefined ? 'not by itself' : `${(back / 1_000).toFixed(2)} s`;
  return [(tried / seconds).toFixed(2), came, percent(healthyDuring), percent(healthyAfter)];
}

/** The worse of several pools, in each figure. */
function worst(all: readonly Recovery[]): Recovery {
  const backs = all.map(({ back }) => back);
  return {
    tried: Math.max(...all.map(({ tried }) => tried)),
    healthyDuring: Math.max(...all.map(({ healthyDuring }) => healthyDuring)),
    healthyAfter: Math.min(...all.map(({ healthyAfter }) => healthyAfter)),
    healthyAtEnd: all.some(({ healthyAtEnd }) => healthyAtEnd),
    healthyAtLast: all.every(({ healthyAtLast }) => healthyAtLast),
    back: backs.includes(undefined) ? undefined : Math.max(...backs.map((back) => back ?? 0)),
  };
}

/** Only the outages of this name, to look at one. */
const only = process.env.RECOVERY_ONLY;
const columns = ['tried a second', 'back after', 'healthy during', 'healthy after'];
const rows: string[][] = [
  ['outage', 'for', ...columns.map((name) => `nobody calls: ${name}`), ...columns.map((name) => `32 callers: ${name}`)],
];
rows.push((rows[0] ?? []).map(() => '---'));

test('the matrix of recovery', async () => {
  for (const outage of outages.filter(({ name }) => only === undefined || name === only)) {
    for (const [name, duration, rate] of lengths) {
      const [one, two, busy] = await recover(own, outage, duration, [0, 0, 32], rate);
      if (one === undefined || two === undefined || busy === undefined) return expect.unreachable();
      const seconds = duration / 1_000;
      const row = [outage.name, name, ...figures(worst([one, two]), seconds), ...figures(busy, seconds)];
      rows.push(row);
      console.log(row.join(' | '));
    }
  }
  const table = rows.map((row) => `| ${row.join(' | ')} |`).join('\n');
  console.log(table);
  if (process.env.RECOVERY !== 'write') return;
  const page = readFileSync(path, 'utf8');
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  expect(from, `docs/failures.md has ${begin} and ${end}`).not.toBe(-1);
  expect(to).toBeGreaterThan(from);
  writeFileSync(path, `${page.slice(0, from + begin.length)}\n\n${table}\n\n${page.slice(to)}`);
});
