import { type LiveSubscription, RecordId, Table } from 'surrealdb';
import { expect, test } from 'vitest';
import { ConnectionLostError } from '../../src/index.js';
import { bareSdk } from '../support/bare.js';
import { isPending } from '../support/pending.js';
import { place, surroundings } from '../support/surroundings.js';

const own = surroundings();
const bare = bareSdk();
const thing = new Table('thing');

/** Waits for the message after the first, which shows that messages come at all. */
async function secondMessage(live: LiveSubscription): Promise<{ waiting: Promise<unknown> }> {
  const messages = live[Symbol.asyncIterator]();
  const first = messages.next();
  await own.engine.query('CREATE thing:1', place);
  expect(await first).toMatchObject({ value: { action: 'CREATE', recordId: new RecordId('thing', 1) } });
  const waiting = messages.next();
  waiting.catch(() => {});
  return { waiting };
}

test('a live iterator of the SDK by itself waits for ever when its socket is lost', async ({ skip }) => {
  const front = await own.listen();
  const client = await bare.connect(front.url, { ...place, reconnect: false });
  const { waiting } = await secondMessage(await client.live(thing));
  const lost = new Promise<void>((resolve) => client.subscribe('disconnected', () => resolve()));
  front.dropAll();
  await lost;
  skip(!(await isPending(waiting)), 'the SDK no longer leaves a live iterator waiting');
});

test('a live iterator of a lease ends with an error when its socket is lost', async () => {
  const front = await own.listen();
  const pool = await own.connect(front, { maxConnections: 1 });
  const connection = await pool.acquire();
  const { waiting } = await secondMessage(await connection.live(thing));
  front.dropAll();
  await expect(waiting).rejects.toThrow(ConnectionLostError);
  connection.release();
});
