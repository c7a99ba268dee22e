import { chart } from '../panels.mjs';
import {
  highest,
  mean,
  outcome,
  perMinute,
  perSecond,
  pool,
  quantile,
  seldom,
  shown,
  state,
  sum,
} from '../queries.mjs';

export default {
  title: 'Whose fault is it?',
  panels: [
    chart({
      title: 'Waits against queries (p99)',
      help: 'The solid line is the wait for a connection, the dotted one the time of a query. Only waits grow: the pool is too small, or somebody keeps connections for long (next to it: "How long callers keep a connection"). Queries grow first: the database is slow, and a larger pool makes it worse.',
      unit: 's',
      width: 12,
      queries: [
        { legend: `${shown(pool)} wait`, expr: quantile(0.99, 'db_client_connection_wait_time_seconds', [pool]) },
        {
          legend: `${shown(pool)} query`,
          expr: quantile(0.99, 'db_client_operation_duration_seconds', [pool]),
          look: 'other',
        },
      ],
    }),
    chart({
      title: 'Connections by state, under the limit',
      help: 'All chosen pools together. The stack at the dashed line: the pool is full. Mostly "used": callers keep them. Mostly "opening", "validating" or "resetting": the server is slow to connect or to answer probes.',
      unit: 'short',
      width: 12,
      queries: [
        { legend: shown(state), expr: sum('db_client_connection_count', [state]), look: 'stacked' },
        { legend: 'limit', expr: sum('db_client_connection_limit', []), look: 'bound' },
      ],
    }),
    chart({
      title: 'Callers who wait',
      help: 'The queue of each pool. It rises before time-outs do.',
      unit: 'short',
      width: 8,
      queries: [{ legend: shown(pool), expr: sum('db_client_connection_pending_requests', [pool]) }],
    }),
    chart({
      title: 'Oldest waiter and the acquire time-out',
      help: 'Where the line reaches the dashed one, callers get AcquireTimeoutError. The dashed line at 0: callers wait for ever (connectionTimeout is 0).',
      unit: 's',
      width: 8,
      queries: [
        { legend: `${shown(pool)} oldest`, expr: highest('surreal_pool_oldest_waiter_seconds', [pool]) },
        {
          legend: `${shown(pool)} time-out`,
          expr: highest('surreal_pool_acquire_timeout_seconds', [pool]),
          look: 'bound',
        },
      ],
    }),
    chart({
      title: 'Time-outs per minute',
      help: 'Callers who waited in vain for a connection. Each one is an error that somebody saw.',
      unit: 'cpm',
      width: 8,
      queries: [{ legend: shown(pool), expr: perMinute('db_client_connection_timeouts_total', [pool]) }],
    }),
    chart({
      title: 'How long callers keep a connection',
      help: 'From the acquire to the release. Much longer than queries take: callers do something else while they hold a connection. Connections needed = acquires per second × the mean of this.',
      unit: 's',
      width: 8,
      queries: [
        { legend: `${shown(pool)} p99`, expr: quantile(0.99, 'db_client_connection_use_time_seconds', [pool]) },
        { legend: `${shown(pool)} mean`, expr: mean('db_client_connection_use_time_seconds', [pool]), look: 'other' },
      ],
    }),
    chart({
      title: 'Queries per second, by operation',
      help: 'What the callers ask the database to do.',
      unit: 'cps',
      width: 8,
      queries: [
        {
          legend: shown('db_operation_name'),
          expr: perSecond('db_client_operation_duration_seconds_count', ['db_operation_name']),
        },
      ],
    }),
    chart({
      title: 'Time of a query, by operation (p99)',
      help: 'One operation that grew alone is a slow statement. All of them together: the server, or the way to it.',
      unit: 's',
      width: 8,
      queries: [
        {
          legend: shown('db_operation_name'),
          expr: quantile(0.99, 'db_client_operation_duration_seconds', ['db_operation_name']),
        },
      ],
    }),
    chart({
      title: 'Acquires per minute, by outcome',
      help: 'timed-out: waited in vain. queue-full, overload: the pool refused because too many wait. circuit-open: no server answers. failed: the credentials were refused, or no connection could be opened. aborted: the caller gave up. shutdown: the pool is going.',
      unit: 'cpm',
      width: 12,
      queries: [{ legend: shown(outcome), expr: seldom('surreal_pool_acquires_total', [outcome]), look: 'bars' }],
    }),
    chart({
      title: 'Failed queries per minute, by error',
      help: 'The names are those of docs/errors.md, which says what each means.',
      unit: 'cpm',
      width: 12,
      queries: [
        {
          legend: shown('error_type'),
          expr: seldom('db_client_operation_duration_seconds_count', ['error_type'], 'error_type!=""'),
          look: 'bars',
        },
      ],
    }),
  ],
};
