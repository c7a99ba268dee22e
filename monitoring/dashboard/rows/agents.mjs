import { chart } from '../panels.mjs';
import { chosen, perMinute, perSecond, pool, seldom, shown, sum, tenant } from '../queries.mjs';

export default {
  title: 'Agents and tenants (tenants are empty unless the exporter has the option tenants)',
  panels: [
    chart({
      title: 'Agent sessions',
      help: 'Sessions that are open (solid), and new ones per minute (dotted). Open ones only grow: sessions are not closed.',
      unit: 'short',
      width: 8,
      queries: [
        { legend: `${shown(pool)} open`, expr: sum('surreal_pool_session_open', [pool]) },
        {
          legend: `${shown(pool)} new per minute`,
          expr: perMinute('surreal_pool_session_created_total', [pool]),
          look: 'other',
        },
      ],
    }),
    chart({
      title: 'Fairness between agents',
      help: 'The index of Jain over the agents that worked: 1 when all got the same, near 0 when one got all. Empty while no session is open. Low, and somebody complains: give the busy agent a limit.',
      unit: 'percentunit',
      width: 8,
      queries: [
        {
          legend: shown(pool),
          expr: `min by (${pool}) (${chosen('surreal_pool_session_fairness')}) and ${sum('surreal_pool_session_open', [pool])} > 0`,
        },
      ],
    }),
    chart({
      title: 'Refused by a limit, per minute',
      help: 'Calls of agents that the pool refused, by the limit that they reached. That is what limits are for; ask whether the agent runs in a circle.',
      unit: 'cpm',
      width: 8,
      queries: [
        {
          legend: shown('surreal_pool_limit'),
          expr: seldom('surreal_pool_session_refusals_total', ['surreal_pool_limit']),
          look: 'bars',
        },
      ],
    }),
    chart({
      title: 'Audit rows lost per minute',
      help: 'Rows of the audit table that could not be written. More than 0: the record of what agents did has holes.',
      unit: 'cpm',
      width: 8,
      queries: [{ legend: shown(pool), expr: perMinute('surreal_pool_audit_lost_total', [pool]) }],
    }),
    chart({
      title: 'Connections and waiting, by tenant',
      help: 'Solid: connections that the tenant has. Dotted: its callers who wait. One tenant has all, and others wait: give it a limit. "other" is everybody outside the top.',
      unit: 'short',
      width: 8,
      queries: [
        { legend: `${shown(tenant)} has`, expr: sum('surreal_pool_tenant_connections', [tenant]) },
        { legend: `${shown(tenant)} waits for`, expr: sum('surreal_pool_tenant_waiting', [tenant]), look: 'other' },
      ],
    }),
    chart({
      title: 'Operations per second, by tenant',
      help: 'Who works.',
      unit: 'cps',
      width: 8,
      queries: [{ legend: shown(tenant), expr: perSecond('surreal_pool_tenant_operations_total', [tenant]) }],
    }),
    chart({
      title: 'Connections kept busy, by tenant',
      help: 'How many connections the tenant used on average: seconds of use per second.',
      unit: 'short',
      width: 12,
      queries: [{ legend: shown(tenant), expr: perSecond('surreal_pool_tenant_busy_time_seconds_total', [tenant]) }],
    }),
    chart({
      title: 'Refused per minute, by tenant',
      help: 'Who reached a limit.',
      unit: 'cpm',
      width: 12,
      queries: [{ legend: shown(tenant), expr: seldom('surreal_pool_tenant_refusals_total', [tenant]), look: 'bars' }],
    }),
  ],
};
