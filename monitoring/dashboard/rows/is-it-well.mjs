import { bigNumber, timeline } from '../panels.mjs';
import {
  chosen,
  highest,
  outcome,
  perMinute,
  perSecond,
  pool,
  quantile,
  shown,
  state,
  sum,
  worst,
} from '../queries.mjs';

const poolStates = [
  { name: 'running', color: 'green' },
  { name: 'paused', color: 'yellow' },
  { name: 'draining', color: 'orange' },
  { name: 'closed', color: 'red' },
];

export default {
  title: 'Is it well?',
  panels: [
    bigNumber({
      title: 'In use / limit',
      help: 'Connections that callers have now, and how many there may be at most. Equal for long: the pool is full. Go on with "Waiting": a full pool where nobody waits is well.',
      unit: 'short',
      width: 4,
      queries: [
        { legend: 'in use', expr: sum('db_client_connection_count', [], `${state}="used"`) },
        { legend: 'limit', expr: sum('db_client_connection_limit', []) },
      ],
    }),
    bigNumber({
      title: 'Waiting',
      help: 'Callers in the queue now. More than 0 for a minute: look below whether waits or queries grew first.',
      unit: 'short',
      width: 3,
      badFrom: 1,
      queries: [{ legend: 'waiting', expr: sum('db_client_connection_pending_requests', []) }],
    }),
    bigNumber({
      title: 'Oldest waiter',
      help: 'How long the caller has waited who has waited longest. At the acquire time-out (10 s by default) callers get AcquireTimeoutError.',
      unit: 's',
      width: 3,
      badFrom: 1,
      queries: [{ legend: 'oldest waiter', expr: highest('surreal_pool_oldest_waiter_seconds', []) }],
    }),
    bigNumber({
      title: 'Acquires per second',
      help: 'How often a caller got a connection. It falls while the load is the same: something holds the callers up.',
      unit: 'cps',
      width: 4,
      queries: [{ legend: 'served', expr: perSecond('surreal_pool_acquires_total', [], `${outcome}="served"`) }],
    }),
    bigNumber({
      title: 'Wait for a connection',
      help: 'Half of all acquires took at most p50, and 99 of 100 at most p99. A pool that is large enough has a p99 of about a millisecond.',
      unit: 's',
      width: 4,
      queries: [
        { legend: 'p50', expr: quantile(0.5, 'db_client_connection_wait_time_seconds', []) },
        { legend: 'p99', expr: quantile(0.99, 'db_client_connection_wait_time_seconds', []) },
      ],
    }),
    bigNumber({
      title: 'Errors per minute',
      help: 'What callers get: their wait timed out; they were refused at once (queue full, overload, circuit open, shutdown); no connection could be opened, or the credentials were refused; a query failed; a transaction conflicted, or was lost or of unknown outcome. The panels below have each by name.',
      unit: 'cpm',
      width: 6,
      badFrom: 0.001,
      queries: [
        { legend: 'timed out', expr: perMinute('surreal_pool_acquires_total', [], `${outcome}="timed-out"`) },
        {
          legend: 'refused',
          expr: perMinute('surreal_pool_acquires_total', [], `${outcome}=~"queue-full|overload|circuit-open|shutdown"`),
        },
        { legend: 'not opened', expr: perMinute('surreal_pool_acquires_total', [], `${outcome}="failed"`) },
        {
          legend: 'query failed',
          expr: perMinute('db_client_operation_duration_seconds_count', [], 'error_type!=""'),
        },
        { legend: 'conflict', expr: perMinute('surreal_pool_transactions_total', [], `${outcome}="conflict"`) },
        { legend: 'lost', expr: perMinute('surreal_pool_transactions_total', [], `${outcome}=~"lost|unknown"`) },
      ],
    }),
    timeline({
      title: 'State of each pool',
      help: 'Paused and draining are states that somebody asked for; closed is the end. The worst of all chosen processes.',
      unit: 'none',
      width: 12,
      states: poolStates,
      queries: [{ legend: shown(pool), expr: worst('surreal_pool_state', 'surreal_pool_state', poolStates, [pool]) }],
    }),
    timeline({
      title: 'Can it serve?',
      help: 'Whether the pool can serve a caller now. A busy pool can. "no": no server answers, or the pool is paused or shutting down; pool.healthStatus() says why.',
      unit: 'none',
      width: 12,
      states: [
        { name: 'yes', color: 'green' },
        { name: 'no', color: 'red' },
      ],
      queries: [{ legend: shown(pool), expr: `1 - min by (${pool}) (${chosen('surreal_pool_healthy')})` }],
    }),
  ],
};
