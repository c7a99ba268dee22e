import { chart, timeline } from '../panels.mjs';
import { chosen, endpoint, highest, perMinute, perSecond, pool, shown, sum, worst } from '../queries.mjs';

const endpointStates = [
  { name: 'well', color: 'green' },
  { name: 'draining', color: 'blue' },
  { name: 'doubtful', color: 'yellow' },
  { name: 'out', color: 'red' },
];

const breakerStates = [
  { name: 'closed', color: 'green' },
  { name: 'half-open', color: 'yellow' },
  { name: 'open', color: 'red' },
];

export default {
  title: 'Servers',
  panels: [
    timeline({
      title: 'State of each server',
      help: 'well: nothing against it. doubtful: a failure is not yet disproved, others go first. out: it gets no work while another one serves. draining: somebody asked for that. The worst of all chosen processes.',
      unit: 'none',
      width: 12,
      states: endpointStates,
      queries: [
        {
          legend: `${shown(pool)} ${shown(endpoint)}`,
          expr: worst('surreal_pool_endpoint_state', 'surreal_pool_endpoint_state', endpointStates, [pool, endpoint]),
        },
      ],
    }),
    timeline({
      title: 'Circuit breaker of each server',
      help: 'open: attempts to connect fail, so callers who find no connection are refused at once. half-open: the pool tries whether it is back. The worst of all chosen processes.',
      unit: 'none',
      width: 12,
      states: breakerStates,
      queries: [
        {
          legend: `${shown(pool)} ${shown(endpoint)}`,
          expr: worst('surreal_pool_breaker_state', 'surreal_pool_breaker_state', breakerStates, [pool, endpoint]),
        },
      ],
    }),
    chart({
      title: 'Connections and leases of each server',
      help: 'Stacked: connections that are open or being opened there. Dashed: how many callers have one. One server much higher than the others: see its latency.',
      unit: 'short',
      width: 8,
      queries: [
        {
          legend: `${shown(endpoint)} ${shown('surreal_pool_connection_state')}`,
          expr: sum('surreal_pool_endpoint_connections', [endpoint, 'surreal_pool_connection_state']),
          look: 'stacked',
        },
        {
          legend: `${shown(endpoint)} leases`,
          expr: sum('surreal_pool_endpoint_leases', [endpoint]),
          look: 'bound',
        },
      ],
    }),
    chart({
      title: 'Latency of each server',
      help: 'How long a round trip takes, as the pool measures it to choose between servers. Empty for a pool of one server.',
      unit: 's',
      width: 8,
      queries: [{ legend: shown(endpoint), expr: highest('surreal_pool_endpoint_latency_seconds', [endpoint]) }],
    }),
    chart({
      title: 'Share of new work',
      help: 'Which part of new work each server gets. A server that came back begins small and grows.',
      unit: 'percentunit',
      width: 8,
      queries: [
        {
          legend: shown(endpoint),
          expr: `avg by (${endpoint}) (${chosen('surreal_pool_endpoint_share')})`,
        },
      ],
    }),
    chart({
      title: 'Panics per minute',
      help: 'How often fewer servers were well than balancing.panicBelow, so that doubtful ones were used like well ones. More than 0: several servers fail at once; look for what they share.',
      unit: 'cpm',
      width: 8,
      queries: [{ legend: shown(pool), expr: perMinute('surreal_pool_endpoint_panics_total', [pool]) }],
    }),
    chart({
      title: 'Messages and calls per second',
      help: 'Single calls go several in one message. Dotted: calls; solid: messages that carried them. Equal lines: calls come one by one, and nothing is saved.',
      unit: 'cps',
      width: 16,
      queries: [
        { legend: `${shown(pool)} messages`, expr: perSecond('surreal_pool_messages_total', [pool]) },
        { legend: `${shown(pool)} calls`, expr: perSecond('surreal_pool_message_calls_total', [pool]), look: 'other' },
      ],
    }),
  ],
};
