import { describe, expect, test } from 'vitest';
import { readLoadOptions } from '../../src/cli/load-options.js';
import { runLoad } from '../../src/cli/load-run.js';
import { plain } from '../../src/cli/output.js';
import { reportText } from '../../src/cli/report-text.js';
import { createPool } from '../../src/index.js';
import { ownPlaces } from './own-places.js';

const silent = { isRefreshed: false, say() {}, show() {}, clear() {} };
const never = new Promise<never>(() => {});

/** 50 agents, of which 5 want far more than there is, on a pool of 5. What was measured is printed. */
describe('load with agents', () => {
  test.each(ownPlaces())('%s: each is served, greedy ones alike', async (_, endpoint) => {
    const line = `--agents 50 --pool-max 5 --think 50ms --duration 2s --mix read=1 --progress 0 --endpoint ${endpoint()}`;
    const options = readLoadOptions(line.split(' '), {});
    if (options === undefined) throw new Error('these parameters ask for help');
    const pool = await createPool(options.endpoint, {
      namespace: 'load',
      database: 'load',
      credentials: null,
      maxConnections: options.maxConnections,
    });
    const report = await runLoad(pool, options, never, silent);
    console.log(reportText(report, plain));
    const { agents, operations } = report;
    expect(operations).toMatchObject({ errors: 0, refused: 0, unfinished: 0 });
    expect(agents?.agents).toHaveLength(50);
    expect(agents?.agents.filter((agent) => agent.operations === 0)).toEqual([]);
    expect(agents?.fairness).toMatchObject({ kind: 'greedy', agents: 5 });
    expect(agents?.fairness?.index).toBeGreaterThan(0.9);
    // All that connections did under load they did for agents.
    expect(agents?.agents.reduce((sum, agent) => sum + agent.operations, 0)).toBe(operations.total);
    expect(pool.sessions().open).toBe(0);
  });
});
