import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { Connection } from '../../src/session/connection.js';
import { FirstUse } from '../../src/session/first-use.js';
import { Identities } from '../../src/session/identity.js';
import { Sessions } from '../../src/session/sessions.js';
import { Transport } from '../../src/wire/transport.js';
import { place, surroundings } from '../support/surroundings.js';

const own = surroundings();
const signal = new AbortController().signal;
let transport: Transport;

beforeEach(async () => {
  const front = await own.listen();
  transport = await Transport.open(
    { url: front.url },
    { openTimeout: 5000, probeTimeout: 5000, livenessTimeout: 0 },
    signal,
  );
});
afterEach(() => transport.terminate());

/** A connection that was opened as usual, to whose session things can be done behind its back. */
async function opened(): Promise<Connection> {
  const { home } = new Identities({ ...place, credentials: { username: 'root', password: 'secret' } }, () => {});
  const timeouts = { openTimeout: 5000, resetTimeout: 5000, probeTimeout: 5000, identityCheckInterval: 0 };
  const sessions = new Sessions(new FirstUse(), timeouts);
  const session = await sessions.open(transport, home, signal);
  return new Connection(1, transport, session, home, sessions);
}

describe('a probe', () => {
  test('passes when all is as it should be', async () => {
    await (await opened()).probe();
  });

  test('fails when the session is in another database, unless the lease moved it', async () => {
    const connection = await opened();
    await transport.use({ namespace: 'other', database: 'place' }, connection.session);
    await expect(connection.probe()).rejects.toThrow('the session is in database place, expected test');
    connection.changes.database = true;
    await connection.probe();
  });

  test('fails when the session is nobody any more, unless the lease signed it out', async ({ skip }) => {
    skip(inject('server') !== undefined, 'the front signs in whoever is nobody at a real server');
    const connection = await opened();
    await transport.invalidate(connection.session);
    await expect(connection.probe()).rejects.toThrow('the session is anonymous');
    connection.changes.authentication = true;
    await connection.probe();
  });

  test('fails when the session is gone', async () => {
    const connection = await opened();
    await transport.detach(connection.session);
    await expect(connection.probe()).rejects.toThrow();
  });
});
