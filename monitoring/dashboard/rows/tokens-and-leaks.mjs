import { chart } from '../panels.mjs';
import { highest, outcome, perMinute, pool, shown } from '../queries.mjs';

export default {
  title: 'Tokens, gaps and leaks',
  panels: [
    chart({
      title: 'Token renewals per minute',
      help: 'failed: the pool uses the old token until it ends, and tries again, more and more often. After that it signs in by the credentials, and where that fails too, callers are refused: look at the server and the credentials before then.',
      unit: 'cpm',
      width: 8,
      queries: [
        {
          legend: `${shown(pool)} renewed`,
          expr: perMinute('surreal_pool_token_renewals_total', [pool], `${outcome}="renewed"`),
        },
        {
          legend: `${shown(pool)} failed`,
          expr: perMinute('surreal_pool_token_renewals_total', [pool], `${outcome}="failed"`),
          look: 'other',
        },
      ],
    }),
    chart({
      title: 'Gaps per minute',
      help: 'How often the process stood still for seconds: its event loop was blocked, or it was suspended. Waits and time-outs of that moment are not the fault of the pool or the database.',
      unit: 'cpm',
      width: 8,
      queries: [{ legend: shown(pool), expr: perMinute('surreal_pool_gaps_total', [pool]) }],
    }),
    chart({
      title: 'Released twice, and lost leases, per minute',
      help: 'Mistakes in the program. lost: a caller forgot a connection, and the pool took it back when the garbage collector found it (only with leakDetectionThreshold). The log has the stack of its acquire.',
      unit: 'cpm',
      width: 8,
      queries: [
        { legend: `${shown(pool)} released twice`, expr: perMinute('surreal_pool_lease_released_twice_total', [pool]) },
        {
          legend: `${shown(pool)} lost`,
          expr: perMinute('surreal_pool_lease_reclaimed_total', [pool]),
          look: 'other',
        },
      ],
    }),
    chart({
      title: 'Longest lease, and longest without a call',
      help: 'Solid: how long the oldest lease is held now. Dotted: how long a holder has made no call. Both rise together: somebody holds a connection and does something else. pool.connections() names the holder.',
      unit: 's',
      width: 24,
      queries: [
        { legend: `${shown(pool)} oldest`, expr: highest('surreal_pool_lease_oldest_seconds', [pool]) },
        { legend: `${shown(pool)} idle`, expr: highest('surreal_pool_lease_idle_seconds', [pool]), look: 'other' },
      ],
    }),
  ],
};
