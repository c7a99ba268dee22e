import { once } from 'node:events';
import { connect } from 'node:net';
import type { ResolvedConfig } from '../config/options.js';
import { type Diagnosis, failure, ok, reasonOf, warning } from './diagnosis.js';
import { formatCount, formatDuration, formatNumber } from './formats.js';
import { packageVersion, versionOf } from './versions.js';

/** How long a server may take to accept a socket, in milliseconds. */
const reachTimeout = 5_000;
/** Files that a process has open besides its connections. */
const otherFiles = 64;

/** The versions of what runs here. */
export function diagnoseVersions(): Diagnosis {
  const subject = 'versions';
  const sdk = versionOf('surrealdb');
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const text = `surreal-pool ${packageVersion()}, surrealdb ${sdk ?? 'missing'}, Node ${process.versions.node}`;
  if (major < 20 || (major === 20 && minor < 19)) return failure(subject, text, 'use Node 20.19 or newer');
  if (sdk === undefined || !/^2\.0\.([89]|\d\d)/.test(sdk)) {
    return failure(subject, text, 'install the SDK this package is made for: npm install surrealdb@~2.0.8');
  }
  if (major === 20) return warning(subject, text, 'Node 20 gets no fixes any more: use 22 or 24');
  return ok(subject, text);
}

/** Whether this process may have as many sockets as the pool may open. */
export function diagnoseOpenFiles({ mode, pool }: ResolvedConfig, limit: number | undefined): Diagnosis {
  const subject = 'open files';
  if (mode !== 'local') return ok(subject, 'no sockets: the engine runs inside this process');
  const sockets = Math.ceil(pool.maxConnections / pool.sessionsPerTransport);
  if (limit === undefined) return ok(subject, `no limit is known here; the pool opens up to ${formatCount(sockets)}`);
  const text = `at most ${formatCount(limit)} in this process; the pool opens up to ${formatNumber(sockets, 'socket')}`;
  if (limit >= sockets + otherFiles) return ok(subject, text);
  return warning(
    subject,
    text,
    `raise the limit to ${sockets + otherFiles} or more (ulimit -n), or lower maxConnections`,
  );
}

/** How many files this process may have open; undefined where there is no such limit. */
export function openFilesLimit(): number | undefined {
  const report = process.report?.getReport() as { userLimits?: { open_files?: { soft?: unknown } } } | undefined;
  const soft = report?.userLimits?.open_files?.soft;
  return typeof soft === 'number' ? soft : undefined;
}

/** Whether the server accepts a socket. */
export async function diagnoseReach({ mode, url }: ResolvedConfig): Promise<Diagnosis> {
  const subject = 'reach';
  if (mode !== 'local') return ok(subject, 'the engine runs inside this process');
  const { hostname, port, protocol } = new URL(url);
  const where = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || (protocol === 'wss:' ? 443 : 80)) };
  const began = performance.now();
  const socket = connect(where);
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(reachTimeout) });
    return ok(
      subject,
      `${where.host}:${where.port} accepts a socket, after ${formatDuration(performance.now() - began)}`,
    );
  } catch (error) {
    const isLate = error instanceof Error && error.name === 'AbortError';
    const reason = isLate
      ? `no answer within ${formatDuration(reachTimeout)}`
      : reasonOf(error) || 'it cannot be reached';
    return failure(
      subject,
      `${where.host}:${where.port} accepts no socket: ${reason}`,
      'start the server, or mend the address; from a container, localhost is the container itself',
    );
  } finally {
    socket.destroy();
  }
}
