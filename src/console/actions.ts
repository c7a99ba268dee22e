import { ConfigurationError, UsageError } from '../errors/configuration.js';
import { messageOf } from '../errors/error-message.js';
import { RefusedRequest } from '../http/refused-request.js';
import { ConnectionManager } from '../manager.js';
import type { PoolEvents } from '../pool/events.js';
import { addressInShort } from '../verdict/words.js';

type Action = PoolEvents['operatorActed']['action'];

/** What an action is about, as its request says. */
export interface ActionRequest {
  /** The name of the pool; the first when it is left out. */
  readonly pool?: string | undefined;
  /** The address of a server, as the snapshot shows it. */
  readonly endpoint?: string | undefined;
  /** The number of a connection. */
  readonly connection?: number | undefined;
  readonly reason?: string | undefined;
}

/** Each action: what it does, and what was done, in words. */
const actions: { readonly [Name in Action]: (manager: ConnectionManager, request: ActionRequest) => string } = {
  pause: (manager) => {
    manager.pause();
    return 'the pool is paused: it lends nothing until it is resumed';
  },
  resume: (manager) => {
    manager.resume();
    return 'the pool was resumed';
  },
  recycle: (manager) => {
    manager.recycleAll();
    return 'all connections are replaced: idle ones now, lent ones at their release';
  },
  drain: (manager, { endpoint }) => {
    const url = addressOf(manager, endpoint);
    manager.drainEndpoint(url);
    return `${addressInShort(url)} gets no new work`;
  },
  undrain: (manager, { endpoint }) => {
    const url = addressOf(manager, endpoint);
    manager.addEndpoint(url);
    return `${addressInShort(url)} gets work again`;
  },
  'end-lease': (manager, { connection, reason }) => {
    if (connection === undefined) throw new RefusedRequest(400, 'Say which `connection`, by its number.');
    if (!manager.endLease(connection, reason)) {
      throw new RefusedRequest(409, `No caller has connection ${connection} to itself now.`);
    }
    return `the lease of connection ${connection} was ended`;
  },
};

export const actionNames: readonly string[] = Object.keys(actions);

export function isAction(name: string): name is Action {
  return Object.hasOwn(actions, name);
}

/**
 * Does it, and tells the log of the pool who asked for it.
 * @param by the address from which it was asked
 * @returns what was done, in words
 * @throws RefusedRequest when it cannot be done
 */
export function act(action: Action, manager: ConnectionManager, request: ActionRequest, by: string): string {
  try {
    const done = actions[action](manager, request);
    const { endpoint, connection } = request;
    const target = action === 'end-lease' ? `connection ${connection}` : endpoint && addressInShort(endpoint);
    ConnectionManager.partsOf(manager).pool.events.emit('operatorActed', { action, target, by });
    return done;
  } catch (error) {
    if (error instanceof UsageError || error instanceof ConfigurationError)
      throw new RefusedRequest(409, messageOf(error));
    throw error;
  }
}

/** Reads the body of a request. */
export function readAction(body: string): ActionRequest {
  const given: unknown = body === '' ? {} : parsed(body);
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw notAnObject();
  const read: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    const type = Object.hasOwn(fields, name) ? fields[name as keyof ActionRequest] : undefined;
    if (type === undefined) {
      throw new RefusedRequest(
        400,
        `Unknown field ${JSON.stringify(name)}; known are ${Object.keys(fields).join(', ')}.`,
      );
    }
    if (typeof value !== type) throw new RefusedRequest(400, `The field ${name} must be a ${type}.`);
    read[name] = value;
  }
  return read;
}

const fields: { readonly [Name in keyof Required<ActionRequest>]: 'string' | 'number' } = {
  pool: 'string',
  endpoint: 'string',
  connection: 'number',
  reason: 'string',
};

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw notAnObject();
  }
}

function notAnObject(): RefusedRequest {
  return new RefusedRequest(400, 'The body of an action is a JSON object, such as {"connection": 7}.');
}

/** The address of a server as the pool knows it; what is shown has no query string. */
function addressOf(manager: ConnectionManager, shown: string | undefined): string {
  if (shown === undefined) throw new RefusedRequest(400, 'Say which `endpoint`, by its address.');
  return ConnectionManager.partsOf(manager).pool.endpoints.addressOf(shown) ?? shown;
}
