import type { RpcErrorObject } from 'surrealdb';

// The errors of a server that the front has to give itself, in the shape the 3.0.2 engine and server give them.

export function sessionNotFound(session: string): RpcErrorObject {
  return {
    code: -32000,
    kind: 'NotFound',
    message: `Session not found: ${session}`,
    details: { kind: 'Session', details: { id: session } },
  };
}

export function sessionExists(session: string): RpcErrorObject {
  return {
    code: -32000,
    kind: 'AlreadyExists',
    message: `Session already exists: ${session}`,
    details: { kind: 'Session', details: { id: session } },
  };
}

export function invalidParameters(message: string): RpcErrorObject {
  return { code: -32603, kind: 'Validation', message, details: { kind: 'InvalidParams' } };
}

export function methodNotFound(method: string): RpcErrorObject {
  return {
    code: -32601,
    kind: 'NotFound',
    message: 'Method not found',
    details: { kind: 'Method', details: { name: method } },
  };
}

export const namespaceEmpty: RpcErrorObject = {
  code: -32600,
  kind: 'Validation',
  message: 'Specify a namespace to use',
  details: { kind: 'NamespaceEmpty' },
};

export const anonymousRefused: RpcErrorObject = {
  code: -32002,
  kind: 'NotAllowed',
  message: 'Anonymous access not allowed: Not enough permissions to perform this action',
  details: {
    kind: 'Auth',
    details: { kind: 'NotAllowed', details: { actor: 'anonymous', action: 'process', resource: 'query' } },
  },
};

export const wrongCredentials: RpcErrorObject = {
  code: -32002,
  kind: 'NotAllowed',
  message: 'There was a problem with authentication',
  details: { kind: 'Auth', details: { kind: 'InvalidAuth' } },
};

/** What a server says to a session that wants into a database that its user may not see. */
export const placeRefused: RpcErrorObject = {
  code: -32000,
  kind: 'NotAllowed',
  message: "You don't have permission to change to the other database",
};

export const parseFailed: RpcErrorObject = {
  code: -32700,
  kind: 'Validation',
  message: 'Parse error',
  details: { kind: 'Parse' },
};

export function internalError(message: string): RpcErrorObject {
  return { code: -32000, kind: 'Internal', message };
}

export const shuttingDown: RpcErrorObject = internalError('The server is gracefully shutting down');
