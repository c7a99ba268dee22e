import type { Emitter } from '../pool/emitter.js';
import type { PoolEvents } from '../pool/events.js';
import { breakerChannel, connectionChannel } from './channels.js';

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

/** Publishes the events of every connection, and the changes of the circuit breaker, on `node:diagnostics_channel`. */
export function publishLives(events: Emitter<PoolEvents>, pool: string): void {
  for (const event of steps) {
    events.subscribe(event, (details) => {
      if (connectionChannel.hasSubscribers) connectionChannel.publish({ pool, event, ...details });
    });
  }
  events.subscribe('circuitChanged', ({ state, nextProbeIn }) => {
    if (breakerChannel.hasSubscribers) breakerChannel.publish({ pool, state, nextProbeIn });
  });
}
