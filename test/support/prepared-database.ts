import { createRemoteEngines, Surreal } from 'surrealdb';
import type { Place } from './backend.js';
import type { ServerAddress } from './server-process.js';
import { websocketImpl } from './websocket-impl.js';

/**
 * Makes a database on a server, and asks it beside everything else: by a client for each question, since the server may have been
 * away since the last one.
 */
export async function preparedDatabase(
  { url, username, password }: ServerAddress,
  place: Place,
): Promise<(text: string) => Promise<unknown[]>> {
  const asked = async (text: string, where: object): Promise<unknown[]> => {
    const client = new Surreal({ websocketImpl, engines: createRemoteEngines() });
    await client.connect(url, { ...where, authentication: { username, password }, reconnect: false });
    const answer = await client.query(text);
    await client.close();
    return answer;
  };
  // Servers from 3.1 on do not make them by their first use.
  const { namespace, database } = place;
  await asked(
    `DEFINE NAMESPACE IF NOT EXISTS ${namespace}; USE NS ${namespace}; DEFINE DATABASE IF NOT EXISTS ${database}`,
    {},
  );
  return (text) => asked(text, place);
}
