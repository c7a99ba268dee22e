import type { Emitter } from '../pool/emitter.js';
import type { PoolEvents } from '../pool/events.js';
import { breakerChannel, connectionChannel, endpointChannel } from './channels.js';
import type { PoolLabel } from './pool-label.js';

/**
 * The events of a connection published on the channel `surreal-pool:connection`; none of them happens at every acquire.
 */
const steps = [
  'opening',
  'opened',
  'openFailed',
  'validated',
  'validationFailed',
  'reset',
  'resetFailed',
  'died',
  'closing',
  'closed',
] as const satisfies readonly (keyof PoolEvents)[];

/** Publishes the events of every connection, the changes of the servers and of their circuit breakers, on `node:diagnostics_channel`. */
export function publishEvents(events: Emitter<PoolEvents>, { name: pool, id: poolId }: PoolLabel): void {
  for (const event of steps) {
    events.subscribe(event, (details) => {
      if (connectionChannel.hasSubscribers) connectionChannel.publish({ pool, poolId, event, ...details });
    });
  }
  events.subscribe('endpointChanged', ({ endpoint, state, before }) => {
    if (endpointChannel.hasSubscribers) endpointChannel.publish({ pool, poolId, endpoint, state, before });
  });
  events.subscribe('circuitChanged', ({ endpoint, state, nextProbeIn }) => {
    if (breakerChannel.hasSubscribers) breakerChannel.publish({ pool, poolId, endpoint, state, nextProbeIn });
  });
}
