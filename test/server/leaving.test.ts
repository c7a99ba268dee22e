import { setTimeout as sleep } from 'node:timers/promises';
import { BoundQuery } from 'surrealdb';
import { expect, onTestFinished, test } from 'vitest';
import { outcomeOf } from '../../src/errors/outcome.js';
import type { Connection } from '../../src/session/connection.js';
import { plainQuery } from '../../src/transactions/plain-query.js';
import { ownFactory } from '../support/factory.js';
import { ServerProcess } from '../support/server-process.js';

const credentials = { username: 'root', password: 'secret' };

test('a server that is stopped under load: every call says what became of it, and the next opening that it leaves', async () => {
  const server = await ServerProcess.start();
  onTestFinished(() => server.kill());
  const made = ownFactory(server.url, { credentials });
  onTestFinished(() => made.end());
  const connections = await Promise.all(Array.from({ length: 8 }, () => made.open()));
  const [first] = connections;
  if (first === undefined) throw new Error('nothing was opened');
  await plainQuery(first, new BoundQuery('DEFINE TABLE made'));

  const told = {
    answered: [] as number[],
    unknown: [] as number[],
    'not-sent': [] as number[],
    refused: [] as number[],
  };
  let last = 0;
  const create = async (connection: Connection): Promise<void> => {
    while (connection.usable) {
      const id = ++last;
      await connection
        .run(() => plainQuery(connection, new BoundQuery('CREATE ONLY type::record("made", $id)', { id })))
        .then(
          () => told.answered.push(id),
          (error: unknown) => told[outcomeOf(error) as keyof typeof told].push(id),
        );
    }
  };
  const load = connections.flatMap((connection) => [create(connection), create(connection), create(connection)]);
  while (told.answered.length < 200) await new Promise((turn) => setTimeout(turn, 5));
  const stopping = server.stop();
  await Promise.all(load);
  // SurrealDB 3.0.5 does not always end when all its sockets have.
  await Promise.race([stopping, sleep(5_000)]);
  await server.kill();
  expect(made.deaths).toHaveLength(8);
  expect(told.refused, 'nothing is answered by an error').toEqual([]);
  const refusal = await made.open().then(
    () => expect.unreachable('it is stopped'),
    (error: unknown) => error,
  );
  expect(made.factory.isLeaving(refusal)).toBe(true);
  expect(made.factory.isIllness(made.deaths[0]?.error)).toBe(true);

  await server.start();
  const kept = new Set(
    (await plainQuery(await made.open(), new BoundQuery('SELECT VALUE id.id() FROM made'))) as number[],
  );
  expect(
    told.answered.filter((id) => !kept.has(id)),
    'answered, and not kept',
  ).toEqual([]);
  expect(
    told['not-sent'].filter((id) => kept.has(id)),
    'not sent, and executed',
  ).toEqual([]);
});
