import { resolveOptions } from '../../src/config/resolve.js';
import type { EndpointAddress } from '../../src/endpoints/endpoint-address.js';
import type { Endpoints, PoolOptions } from '../../src/index.js';
import type { Connection } from '../../src/session/connection.js';
import { ConnectionFactory } from '../../src/session/connection-factory.js';
import { poolLabel } from '../../src/telemetry/pool-label.js';
import { place } from './surroundings.js';

/** The factory of a pool, without the pool: what it opens is the test's own. */
export interface OwnFactory {
  readonly factory: ConnectionFactory;
  /** Opens a connection, at this endpoint if it is given. */
  open(endpoint?: EndpointAddress): Promise<Connection>;
  /** Why connections ended by themselves, in that order. */
  readonly deaths: { readonly id: number; readonly error: unknown }[];
  /** What the factory said of the stores. */
  readonly reports: readonly string[];
  end(): Promise<void>;
}

export function ownFactory(url: string | Endpoints, options: Partial<PoolOptions> = {}): OwnFactory {
  const config = resolveOptions(url, { ...place, ...options });
  const reports: string[] = [];
  const factory = new ConnectionFactory(config, poolLabel(config), {
    renewed() {},
    manyFunctions() {},
    storeNotCompared: (endpoint) => reports.push(`not compared: ${endpoint}`),
    storeReplaced: (endpoint) => reports.push(`replaced: ${endpoint}`),
  });
  const deaths: { id: number; error: unknown }[] = [];
  let last = 0;
  return {
    factory,
    deaths,
    reports,
    open: (endpoint = { url: config.url }) => {
      const id = ++last;
      return factory.open({
        ...{ id, endpoint, identity: factory.identities.home },
        signal: AbortSignal.timeout(20_000),
        died: (error) => deaths.push({ id, error }),
      });
    },
    end: () => factory.end(5_000),
  };
}
