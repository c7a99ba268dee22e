import { Registry } from 'prom-client';
import { createPool } from '../../dist/index.js';
import { prometheusText, registerWith } from '../../dist/prometheus.js';
import { compare, computing } from '../harness/paired.mjs';

export const question = 'what does a scrape by Prometheus cost?';

const pools = 10;
const agents = 20;

/** @param {import('../run.mjs').BenchOptions} options */
export async function* run({ rounds }) {
  const made = await Promise.all(
    Array.from({ length: pools }, (_, number) =>
      createPool('mem://', { namespace: 'bench', database: 'bench', name: `pool-${number}` }),
    ),
  );
  for (const pool of made) {
    for (let agent = 0; agent < agents; agent++) {
      const session = pool.createSession({ agentId: `agent-${agent}` });
      await Promise.all([session.query('RETURN 1'), session.query('SELECT * FROM [1]')]);
    }
  }
  const registry = new Registry();
  registerWith(registry, made, { tenants: agents });
  const lines = (/** @type {string} */ text) => text.split('\n').filter((line) => !line.startsWith('#')).length;
  const size = lines(prometheusText(made, { tenants: agents }));
  /** @type {[string, () => unknown][]} */
  const scrapes = [
    [`prometheusText() of ${pools} pools`, () => prometheusText(made)],
    [`with { tenants: ${agents} }: ${size} lines`, () => prometheusText(made, { tenants: agents })],
    ["the same by prom-client's registry", () => registry.metrics()],
    ['prometheusText() of one pool', () => prometheusText(made[0] ?? made)],
  ];
  yield await compare(
    'one scrape',
    scrapes.map(([name, scrape]) =>
      computing(name, async (times) => {
        for (let count = 0; count < times; count++) await scrape();
      }),
    ),
    { rounds },
  );
  await Promise.all(made.map((pool) => pool.shutdown({ gracePeriod: 0 })));
}
