import { chart } from '../panels.mjs';
import { mean, outcome, perMinute, perSecond, pool, quantile, reason, seldom, shown, state, sum } from '../queries.mjs';

export default {
  title: 'The life of connections',
  panels: [
    chart({
      title: 'Opened, and attempts that failed, per minute',
      help: 'A steady pool opens few. Many: connections are closed for a reason (next panel), or minConnections is low and the load comes in bursts.',
      unit: 'cpm',
      width: 8,
      queries: [
        { legend: `${shown(pool)} opened`, expr: perMinute('surreal_pool_connection_opened_total', [pool]) },
        {
          legend: `${shown(pool)} failed`,
          expr: perMinute('surreal_pool_connection_open_failures_total', [pool]),
          look: 'other',
        },
      ],
    }),
    chart({
      title: 'Closed per minute, by reason',
      help: 'idle, lifetime, uses, recycled, resized, rebalance and drained are house-keeping. died, unanswered, probe-failed, leaving and endpoint-out tell of the server. cut-off: callers gave up. signed-out: a session ended and the pool could not sign in again.',
      unit: 'cpm',
      width: 8,
      queries: [
        { legend: shown(reason), expr: seldom('surreal_pool_connection_closed_total', [reason]), look: 'bars' },
      ],
    }),
    chart({
      title: 'Time to open a connection',
      help: 'Connecting, signing in, choosing the database. Slow: the sign-in (password hashing), TLS, or the network.',
      unit: 's',
      width: 8,
      queries: [
        { legend: `${shown(pool)} p99`, expr: quantile(0.99, 'db_client_connection_create_time_seconds', [pool]) },
        {
          legend: `${shown(pool)} mean`,
          expr: mean('db_client_connection_create_time_seconds', [pool]),
          look: 'other',
        },
      ],
    }),
    chart({
      title: 'Probes, resets and changes of identity per minute',
      help: 'What the pool does between two leases. Failed ones (dotted) cost a connection each.',
      unit: 'cpm',
      width: 12,
      queries: ['probes', 'resets', 'identity_changes'].flatMap((what) => [
        {
          legend: `${what.replace('_', ' ')} passed`,
          expr: perMinute(`surreal_pool_${what}_total`, [], `${outcome}="passed"`),
        },
        {
          legend: `${what.replace('_', ' ')} failed`,
          expr: perMinute(`surreal_pool_${what}_total`, [], `${outcome}="failed"`),
          look: /** @type {const} */ ('other'),
        },
      ]),
    }),
    chart({
      title: 'Idle connections and their bounds',
      help: 'The pool keeps at least the lower bound, and closes what is idle for long above it.',
      unit: 'short',
      width: 12,
      queries: [
        { legend: 'idle', expr: sum('db_client_connection_count', [], `${state}="idle"`) },
        { legend: 'least', expr: sum('db_client_connection_idle_min', []), look: 'bound' },
        { legend: 'most', expr: sum('db_client_connection_idle_max', []), look: 'bound' },
      ],
    }),
    chart({
      title: 'Acquires served by an open connection',
      help: 'The others waited until one was opened. Low: raise minConnections or idleTimeout.',
      unit: 'percentunit',
      width: 8,
      queries: [
        {
          legend: shown(pool),
          expr: `${perSecond('surreal_pool_acquires_reused_total', [pool])} / (${perSecond('surreal_pool_acquires_total', [pool], `${outcome}="served"`)} > 0)`,
        },
      ],
    }),
    chart({
      title: 'Being closed',
      help: 'Connections that the pool is closing; they do not count against the limit. More than a few for long: the server does not answer the closing.',
      unit: 'short',
      width: 8,
      queries: [{ legend: shown(pool), expr: sum('surreal_pool_connection_closing', [pool]) }],
    }),
    chart({
      title: 'Identities in use',
      help: "Users, besides the pool's own, of which a caller has a connection or waits for one. More than connections: each acquire changes a connection from one user to another.",
      unit: 'short',
      width: 8,
      queries: [{ legend: shown(pool), expr: sum('surreal_pool_identities', [pool]) }],
    }),
  ],
};
