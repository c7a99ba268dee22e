import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { frontCluster } from '../cluster/cluster.js';
import { clusterFaults } from '../cluster/cluster-faults.js';
import { measureFault, measureIdle, measureReturn, measureSlowNode, type Noticed } from '../cluster/measure.js';
import { projectFolder } from '../support/documentation.js';

// What callers notice when one, two or all of three servers fail, printed as the tables that stand in docs/failures.md. With
// FAILOVER=write they are written there. It asserts nothing of the figures: see test/cluster/ for what must hold.

const path = `${projectFolder}docs/failures.md`;
/** Only the faults of this name, to look at one. */
const only = process.env.FAILOVER_ONLY;
const faults = clusterFaults.filter(({ name }) => only === undefined || name === only);

function seconds(milliseconds: number | undefined): string {
  return milliseconds === undefined ? 'not within half a minute' : `${(milliseconds / 1_000).toFixed(1)} s`;
}

function rowOf(name: string, struck: number, noticed: Noticed): string[] {
  const { calls, notSent, unknown, refused, waitBefore, waitDuring } = noticed;
  return [
    ...[name, `${struck} of 3`, `${calls}`, `${notSent}`, `${unknown}`, `${refused}`],
    ...[
      `${waitBefore.toFixed(0)} → ${waitDuring.toFixed(0)} ms`,
      seconds(noticed.longest),
      seconds(noticed.servedAfter),
    ],
    ...[`${noticed.bareFailed}`, seconds(noticed.bareLongest)],
  ];
}

const columns = [
  ...['fault', 'servers', 'calls', 'not sent', 'unknown', 'refused', 'p99 of the wait', 'longest call'],
  ...['all served after', 'bare SDK: failed', 'bare SDK: longest call'],
];

test('what callers notice', async () => {
  const cluster = await frontCluster();
  const rows: string[][] = [];
  const say = (...row: string[]): void => {
    rows.push(row);
    console.log(row.join(' | '));
  };
  try {
    say(...columns);
    say(...columns.map(() => '---'));
    for (const fault of faults) {
      for (const struck of [1, 2, 3]) say(...rowOf(fault.name, struck, await measureFault(cluster, fault, struck)));
    }
    write('failover', rows);
    for (const fault of faults.filter(({ name }) => ['SIGSTOP', 'black hole', 'half-open'].includes(name))) {
      const { own, bare } = await measureIdle(cluster, fault);
      console.log(`idle connections, ${fault.name}: given up after ${seconds(own)}; the bare SDK: ${seconds(bare)}`);
    }
    if (only === undefined || only === 'return') {
      console.log(
        `20 connections are shared fairly again ${seconds(await measureReturn(cluster))} after a server came back`,
      );
    }
    if (only === undefined || only === 'slow node') {
      const share = await measureSlowNode(cluster);
      console.log(`a server twice as far away gets ${(100 * share).toFixed(1)} % of a near one`);
    }
  } finally {
    await cluster.close();
  }
});

/** Writes a table between its marks. */
function write(name: string, rows: readonly string[][]): void {
  if (process.env.FAILOVER !== 'write') return;
  const table = rows.map((row) => `| ${row.join(' | ')} |`).join('\n');
  const page = readFileSync(path, 'utf8');
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  expect(from, `docs/failures.md has ${begin} and ${end}`).not.toBe(-1);
  expect(to).toBeGreaterThan(from);
  writeFileSync(path, `${page.slice(0, from + begin.length)}\n\n${table}\n\n${page.slice(to)}`);
}
