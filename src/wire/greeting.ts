import type { Uuid } from 'surrealdb';
import { ConnectError } from '../errors/connect.js';

/** The oldest server version with sessions; every pooled connection is one. */
const oldestServer = 3;

/** What a server has answered to the greeting. */
export interface Greeting {
  /** A session without database and user. */
  readonly session: Uuid;
  /**
   * Whether it waits up to 40 ms for an acknowledgement before it sends another small answer on a socket. Servers
   * before 3.2 do (they do not set `TCP_NODELAY`).
   */
  readonly holdsSmallAnswersBack: boolean;
}

/** The requests of the greeting. */
export interface GreetingRequests {
  /** The version as the server gives it: `surrealdb-3.0.5`. */
  version(): Promise<string>;
  attach(): Promise<Uuid>;
}

/**
 * Asks a server for its version and, in the same round trip, for a first session.
 * @throws ConnectError when the server is too old to have sessions; and what the requests throw
 */
export async function greet(endpoint: string, requests: GreetingRequests): Promise<Greeting> {
  const attaching = requests.attach();
  // A server that is too old refuses the session; its version says why.
  attaching.catch(() => {});
  const version = await requests.version();
  const [, major, minor] = (/(\d+)\.(\d+)/.exec(version) ?? []).map(Number);
  if (!(Number(major) >= oldestServer)) {
    throw new ConnectError(
      `${endpoint} runs ${version}; pooled connections are sessions, which SurrealDB has since ${oldestServer}.0`,
      { endpoint, fatal: true },
    );
  }
  return { session: await attaching, holdsSmallAnswersBack: major === 3 && Number(minor) < 2 };
}
