import type { Uuid } from 'surrealdb';
import type { ConnectionManager, PoolOptions, PoolScope } from '../../src/index.js';
import type { Front, FrontConnection } from '../support/front.js';
import type { Surroundings } from '../support/surroundings.js';
import { rocksdbUrl } from '../support/temporary.js';
import { type Agent, defineAll, root } from './isolation-agents.js';
import type { Door, IsolationScene } from './isolation-run.js';

type ScopeOf = (agent: Agent) => PoolScope;

/** Small: agents take connections from each other. */
const connections = 3;

const options: Partial<PoolOptions> = {
  maxConnections: connections,
  connectionTimeout: '120s',
  // Leases that nobody holds any more are taken back; none is reported.
  leakDetectionThreshold: '1h',
};

/** Each agent has a scope object of its own, and says nothing at its acquires. */
const byScope: (pool: ConnectionManager) => Door = (pool) => byScopeOf((agent) => pool.scope(agent.identity));

function byScopeOf(scopeOf: ScopeOf): Door {
  const scopes = new Map<Agent, PoolScope>();
  const scope: ScopeOf = (agent) => {
    const known = scopes.get(agent) ?? scopeOf(agent);
    scopes.set(agent, known);
    return known;
  };
  return {
    acquire: (agent, limits) => scope(agent).acquire(limits),
    query: (agent, text) => scope(agent).query(text).collect(),
  };
}

/** Each acquire says for whom it is. */
const byOptions: (pool: ConnectionManager) => Door = (pool) => ({
  acquire: (agent, limits) => pool.acquire({ ...agent.identity, ...limits }),
  query: (agent, text) => pool.withConnection((connection) => connection.query(text).collect(), agent.identity),
});

/**
 * Each agent has a session, among others that have none: a lease of a session refuses to change its user and database,
 * and must see nothing of those that do.
 */
const bySession: (pool: ConnectionManager) => Door = (pool) => {
  const sessions = byScopeOf((agent) => pool.createSession({ agentId: agent.name, ...agent.identity }));
  const scopes = byScope(pool);
  let turns = 0;
  const either = (): Door => (++turns % 2 === 0 ? sessions : scopes);
  return {
    acquire: (agent, limits) => either().acquire(agent, limits),
    query: (agent, text) => either().query(agent, text),
  };
};

/** Over sockets, with authentication on; under `npm run test:server` to a real server. */
async function socketScene(own: Surroundings, door: (pool: ConnectionManager) => Door): Promise<IsolationScene> {
  await defineAll((text, place) => own.engine.query(text, place));
  const front = await own.listen({ auth: true });
  const openTransactions = watchTransactions(front);
  const pool = await own.connect(front, { ...options, credentials: root });
  return {
    ...{ pool, door: door(pool), witnesses: 0, openTransactions },
    ask: (text, place) => own.engine.query(text, place),
  };
}

/** In the process, where all sessions share one engine: it asks by a lease that it never gives back. */
async function embeddedScene(
  own: Surroundings,
  url: string,
  door: (pool: ConnectionManager) => Door,
): Promise<IsolationScene> {
  const pool = await own.pool(url, { ...options, maxConnections: connections + 1 });
  await pool.query(`DEFINE USER root ON ROOT PASSWORD "${root.password}" ROLES OWNER`);
  const witness = await pool.acquire();
  const ask: IsolationScene['ask'] = async (text, place) => {
    const there = place === undefined ? '' : `USE NS ${place.namespace} DB ${place.database};`;
    const answers = await witness.query(`${there}${text}`).collect();
    return place === undefined ? answers : answers.slice(1);
  };
  await defineAll(ask as (text: string) => Promise<unknown>);
  return { pool, door: door(pool), witnesses: 1, ask };
}

/** Which transactions of the open sockets were used and not ended yet. */
function watchTransactions(front: Front): () => string[] {
  const open = new Map<FrontConnection, Set<string>>();
  front.onRequest = ({ method, params, transaction }, socket) => {
    const ids = open.get(socket) ?? new Set();
    open.set(socket, ids);
    if (transaction !== undefined) ids.add(transaction.toString());
    if (method === 'commit' || method === 'cancel') ids.delete(String(params[0] as Uuid));
    return 'pass';
  };
  return () =>
    front.sockets.flatMap((socket) => [...(open.get(socket) ?? [])].map((id) => `transaction ${id} of a socket`));
}

/** What a test file runs: a name, and how to open the scene. */
export function scenesOf(own: Surroundings, isRealServer: boolean): [string, () => Promise<IsolationScene>][] {
  const sockets: [string, () => Promise<IsolationScene>][] = [
    ['over sockets, by scopes', () => socketScene(own, byScope)],
    ['over sockets, by options', () => socketScene(own, byOptions)],
    ['over sockets, by sessions', () => socketScene(own, bySession)],
  ];
  if (isRealServer) return sockets;
  return [
    ...sockets,
    ['embedded in rocksdb, by scopes', () => embeddedScene(own, rocksdbUrl(), byScope)],
    ['embedded in memory, by sessions', () => embeddedScene(own, 'mem://', bySession)],
  ];
}
