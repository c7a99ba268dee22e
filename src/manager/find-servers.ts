import type { Parts } from './assembly.js';

/**
 * Looks for the servers of a pool whose configuration does not list them. With `failFast` it waits for the first answer; else
 * the callers wait, and the discovery goes on looking.
 * @throws NoEndpointError with `failFast`, when none is found
 */
export async function findServers({ config, discovery, pool }: Parts): Promise<void> {
  if (discovery === undefined) return;
  const found = discovery.start().then((targets) => pool.endpoints.replace(targets));
  if (config.pool.failFast) await found;
  else {
    found.catch((error: unknown) => {
      // A pool that is closing has no use for servers.
      if (!discovery.isStopped) pool.endpoints.notFound(error);
    });
  }
}
