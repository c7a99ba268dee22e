import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { RecordId, ServerError, StringRecordId, type Surreal, type SurrealSession } from 'surrealdb';
import { vi } from 'vitest';
import { besideQueries } from '../support/beside-queries.js';
import { type Ending, runChild } from '../support/child.js';
import { answersTo, reads, rows, schema, writes } from '../support/own-write-reads.js';
import { rawSocket } from '../support/raw-socket.js';
import { type ServerAddress, ServerProcess } from '../support/server-process.js';

/** The engine or the server that is probed. */
export interface Probed {
  /** Undefined for the embedded engine. */
  readonly server: ServerAddress | undefined;
  /** A client of the SDK alone, as the owner, in an empty database. */
  connect(): Promise<Surreal>;
}

/** One row of docs/compatibility.md. */
export interface Probe {
  readonly hazard: string;
  /** What the pool does, where the hazard is there. */
  readonly pool: string;
  /** Finds out what stands in the cell of a version; undefined where it cannot be seen on this machine. */
  readonly look: (probed: Probed) => Promise<string | undefined>;
}

/** For what only a server can be asked. */
const none = '–';

export const place = { namespace: 'compatibility', database: 'compatibility' };
const signup = { ...place, access: 'member', variables: {} };

const probes: readonly Probe[] = [
  {
    hazard: 'a change of a session beside its queries stops that session for ever (hazard 5)',
    pool: 'puts changes and queries of a session in order',
    look: async ({ server }) => {
      // It takes two calls at the same instant.
      if (availableParallelism() === 1) return undefined;
      for (let attempt = 1; attempt <= 2; attempt++) {
        const ending = await runChild(mutations, server === undefined ? ['mem://'] : addressOf(server), 60_000);
        if (said(ending) === 'stuck') return 'there';
      }
      return 'mended';
    },
  },
  {
    hazard: '`reset()` and `invalidate()` keep the end of the session (hazard 6)',
    pool: 'takes a new session after every sign-in that a lease made',
    look: async ({ connect }) => {
      const client = await connect();
      await client.query(
        'DEFINE ACCESS OVERWRITE member ON DATABASE TYPE RECORD SIGNUP (CREATE thing) DURATION FOR SESSION 1s',
      );
      const session = await client.newSession();
      await session.use(place);
      await session.signup(signup);
      await session.reset();
      // The session is over when its end is past by a whole second.
      await sleep(2_100);
      const message = await session.query('RETURN 1').collect().then(String, messageOf);
      return message.includes('expired') ? 'there' : 'mended';
    },
  },
  {
    hazard: 'a transaction commits what a failed statement had written (hazard 8)',
    pool: 'refuses to commit after an error',
    look: async ({ connect }) => {
      const client = await connect();
      await client.query(
        'DEFINE TABLE tag; DEFINE INDEX only ON tag FIELDS name UNIQUE; CREATE tag:0 SET name = "taken"',
      );
      const transaction = await client.beginTransaction();
      await transaction.query('INSERT INTO tag [{ id: 1, name: "new" }, { id: 2, name: "taken" }]').catch(() => {});
      const refused = await transaction.commit().then(
        () => false,
        () => true,
      );
      const [left] = await client.query('SELECT VALUE record::id(id) FROM tag WHERE id != tag:0').collect<[number[]]>();
      if (left.length > 0) return 'there';
      return refused ? 'mended: the commit is refused' : 'mended: nothing is kept';
    },
  },
  {
    hazard: 'a transaction has no user: record permissions are judged wrong (hazard 9)',
    pool: 'begins no transaction for a record user there',
    look: async ({ connect }) => {
      const client = await connect();
      await client.query(
        `DEFINE TABLE note PERMISSIONS FOR select, create WHERE owner = $auth;
         DEFINE ACCESS OVERWRITE member ON DATABASE TYPE RECORD SIGNUP (CREATE thing)`,
      );
      const session = await client.newSession();
      await session.use(place);
      await session.signup(signup);
      await session.query('CREATE note SET text = "mine", owner = $auth RETURN NONE');
      const transaction = await session.beginTransaction();
      const [notes] = await transaction.query('SELECT VALUE text FROM note').collect<[string[]]>();
      await transaction.cancel();
      return notes.includes('mine') ? 'mended' : 'there';
    },
  },
  {
    hazard: '`use()` of a database without a namespace (hazard 10)',
    pool: 'refuses it itself, in its configuration and on a lease',
    look: async ({ server }) => {
      if (server === undefined) {
        const ending = await runChild(useAlone, ['mem://']);
        if (ending.stderr.includes('panicked')) return 'there: the process ends';
        return said(ending) === 'answered' ? 'mended: refused' : `there: the call is ${said(ending)}`;
      }
      // On a server of its own, which may not outlive it.
      const own = await ServerProcess.start();
      try {
        const answer = said(await runChild(useAlone, addressOf(own)));
        if (answer === 'answered') return 'mended: refused';
        const lives = await fetch(healthOf(own)).then(
          ({ ok }) => ok,
          () => false,
        );
        return `there: the call is ${answer}, the server ${lives ? 'goes on' : 'ends'}`;
      } finally {
        await own.kill();
      }
    },
  },
  {
    hazard: 'reads in a transaction do not find what it wrote (hazard 15)',
    pool: 'empties the cache that is wrong, before a statement that reads',
    look: async ({ connect }) => {
      const client = await connect();
      for (const text of [...schema, ...rows]) await vi.waitFor(() => client.query(text), { timeout: 5_000 });
      const transaction = await client.beginTransaction();
      for (const text of writes) await transaction.query(text).responses();
      const inside = await answersTo(reads, transaction);
      await transaction.commit();
      const after = await answersTo(reads, client);
      // The cut before the order is a hazard of its own.
      const compared = reads.filter(({ name }) => name !== 'LIMIT and START');
      const wrong = compared.filter(({ name, text }) => {
        const key = `${name}: ${text}`;
        return JSON.stringify(inside.get(key)) !== JSON.stringify(after.get(key));
      });
      return wrong.length > 0 ? 'there' : 'mended';
    },
  },
  {
    hazard: '`ORDER BY` with `LIMIT` in a transaction cuts off before it orders',
    pool: 'the same',
    look: async ({ connect }) => {
      const client = await connect();
      await client.query('CREATE thing:1 SET v = 1; CREATE thing:2 SET v = 2; CREATE thing:3 SET v = 3');
      const transaction = await client.beginTransaction();
      const [highest] = await transaction
        .query('SELECT VALUE v FROM thing ORDER BY v DESC LIMIT 1')
        .collect<[number[]]>();
      await transaction.cancel();
      return highest[0] === 3 ? 'mended' : 'there';
    },
  },
  {
    hazard: 'the kind of the error for a conflict at the commit',
    pool: '`TransactionConflictError`, by kind or by text',
    look: async ({ connect }) => {
      const client = await connect();
      await client.query('CREATE thing:1 SET v = 0');
      const [one, two] = [await client.beginTransaction(), await client.beginTransaction()];
      for (const transaction of [one, two]) await transaction.query('UPDATE thing:1 SET v += 1');
      await one.commit();
      const error: unknown = await two.commit().catch((reason: unknown) => reason);
      return error instanceof ServerError ? `\`${error.kind}\` ${error.code}` : messageOf(error);
    },
  },
  {
    hazard: '`use()` of another database, by a user who is defined in one',
    pool: "gives the server's answer, on a lease",
    look: async ({ connect, server }) => {
      // An embedded engine signs in, and has no rights that it would hold against.
      if (server === undefined) return none;
      const client = await connect();
      await client.query('DEFINE USER OVERWRITE local ON DATABASE PASSWORD "secret" ROLES OWNER');
      await client.query('DEFINE DATABASE OVERWRITE other; USE DB other; DEFINE TABLE OVERWRITE thing');
      const session = await client.newSession();
      await session.use(place);
      await session.signin({ ...place, username: 'local', password: 'secret' });
      const elsewhere = { namespace: place.namespace, database: 'other' };
      const moved = await errorOf(session.use(elsewhere));
      if (moved !== 'no error') return `refused: ${moved}`;
      const asked = await errorOf(session.query('CREATE thing').collect());
      return asked === 'no error' ? 'allowed, with all rights there' : `allowed, and each query fails: ${asked}`;
    },
  },
  {
    hazard: 'a transaction outlives the session that began it',
    pool: 'cancels it at the release',
    look: async ({ connect }) => {
      const session = await (await connect()).forkSession();
      const transaction = await session.beginTransaction();
      await transaction.query('CREATE thing:1');
      await session.closeSession();
      return (await errorOf(transaction.commit())) === 'no error' ? 'yes' : 'no';
    },
  },
  {
    hazard: 'sessions on one socket',
    pool: '`sessionsPerTransport`, up to 255; more go to another socket',
    look: async ({ connect }) => {
      const client = await connect();
      const sessions: SurrealSession[] = [];
      try {
        while (sessions.length < 300) sessions.push(await client.newSession());
        return 'no limit seen';
      } catch (error) {
        return `${sessions.length}, then ${describe(error)}`;
      } finally {
        for (const session of sessions) await session.closeSession();
      }
    },
  },
  {
    hazard: 'transactions open in one session',
    pool: 'one for each lease',
    look: async ({ connect }) => {
      const session = await (await connect()).forkSession();
      let count = 0;
      try {
        for (; count < 100; count++) await session.beginTransaction();
        return 'no limit seen';
      } catch (error) {
        return `${count}, then ${describe(error)}`;
      }
    },
  },
  {
    hazard: 'a message that cannot be read, such as one with a `StringRecordId` that is no record id',
    pool: '`UsageError`, as soon as every other call of the socket from before is answered',
    look: async ({ connect }) => {
      const client = await connect();
      const asked = client.query('RETURN $id', { id: new StringRecordId('a:`') }).collect();
      return Promise.race([errorOf(asked), sleep(5_000, 'the call is never answered')]);
    },
  },
  {
    hazard: 'a text of several statements, when its socket is lost between two',
    pool: '`ConnectionLostError` with the outcome `unknown`',
    look: async ({ server, connect }) => {
      if (server === undefined) return none;
      const client = await connect();
      const socket = await rawSocket(server, client.accessToken, place);
      socket.call('query', ['CREATE thing:1; SLEEP 500ms; CREATE thing:2']).catch(() => {});
      const isThere = async (number: number): Promise<boolean> =>
        (await client.select(new RecordId('thing', number))) !== undefined;
      await vi.waitUntil(() => isThere(1), { timeout: 10_000 });
      socket.terminate();
      await sleep(1_500);
      return (await isThere(2)) ? 'goes on to its end' : 'is broken off';
    },
  },
  {
    hazard: 'a transaction, when its socket is lost',
    pool: '`TransactionLostError`; nothing of it is stored',
    look: async ({ server, connect }) => {
      if (server === undefined) return none;
      const client = await connect();
      const socket = await rawSocket(server, client.accessToken, place);
      const transaction = await socket.call('begin', []);
      await socket.call('query', ['CREATE thing:1'], transaction);
      socket.terminate();
      // A second socket, for a transaction belongs to the one it was begun on.
      const later = await rawSocket(server, client.accessToken, place);
      const commit = await errorOf(later.call('commit', [transaction]));
      later.terminate();
      const stored = (await client.select(new RecordId('thing', 1))) !== undefined;
      return stored ? `stored; commit elsewhere: ${commit}` : `gone: ${commit}`;
    },
  },
  {
    hazard: '`GET /ready`, which says 503 while a server starts',
    pool: 'honours `503` with `Retry-After` at the handshake',
    look: async ({ server }) => {
      if (server === undefined) return none;
      const { status } = await fetch(new URL('/ready', healthOf(server)));
      return status === 200 ? 'there' : `not there: ${status}`;
    },
  },
  {
    hazard: 'a live query whose client does not read',
    pool: 'a 1013 for it is not held against the server',
    look: async ({ server, connect }) => {
      if (server === undefined) return none;
      const client = await connect();
      const slow = await rawSocket(server, client.accessToken, place);
      await slow.call('query', ['LIVE SELECT * FROM thing']);
      slow.pause();
      // More than the buffers of both ends hold.
      const text = 'x'.repeat(1 << 20);
      const flood = (async () => {
        for (let sent = 0; sent < 160; sent++) await client.query('CREATE thing SET text = $text', { text }).collect();
      })();
      const written = await Promise.race([flood.then(() => true), sleep(20_000, false)]);
      slow.resume();
      const closed = await Promise.race([slow.closed, sleep(5_000, undefined)]);
      slow.terminate();
      flood.catch(() => {});
      if (closed !== undefined) return `closed: ${closed}`;
      return written ? 'stays open' : 'stops the writers';
    },
  },
];

export default probes;

function addressOf({ url, username, password }: ServerAddress): string[] {
  return [url, username, password];
}

/** What a script found out. One that failed by itself has shown nothing. */
function said({ stdout, stderr }: Ending): string {
  const answer = stdout.trim();
  if (answer === '') throw new Error(`the script ended without an answer: ${stderr}`);
  return answer;
}

function healthOf({ url }: ServerAddress): URL {
  return new URL('/health', url.replace('ws', 'http'));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** An error of a server, as far as a program can go by it. */
function describe(error: unknown): string {
  if (!(error instanceof ServerError)) return messageOf(error);
  const { kind, code, message } = error;
  return `\`${kind}\` ${code ?? ''} "${message.replaceAll(/[0-9a-f-]{36}/g, '…')}"`;
}

async function errorOf(work: Promise<unknown>): Promise<string> {
  return work.then(() => 'no error', describe);
}

const connected = `
  import { createNodeEngines } from '@surrealdb/node';
  import { createRemoteEngines, Surreal } from 'surrealdb';
  import { WebSocket } from 'ws';
    // In a child process the first parameter comes right behind the name of the program.
  const [, url, username, password] = process.argv;
  const engines = { ...createNodeEngines(), ...createRemoteEngines() };
  const client = new Surreal({ engines, websocketImpl: class extends WebSocket { dispatchEvent() {} } });
  const authentication = username === undefined ? undefined : { username, password };
  await client.connect(url, { authentication, reconnect: false });
`;

const mutations = `
  ${connected}
  await client.use({ namespace: 'compatibility', database: 'compatibility' });
  ${besideQueries({ callers: 32, rounds: 1500, stillness: 2_000 })}
`;

const useAlone = `
  ${connected}
  const session = await client.newSession();
  const used = session.use({ database: 'alone' }).then(
    () => 'answered',
    (error) => (error.constructor.name === 'CallTerminatedError' ? 'lost with its socket' : 'answered'),
  );
  const never = new Promise((resolve) => setTimeout(resolve, 5_000, 'never answered'));
  console.log(await Promise.race([used, never]));
  process.exit();
`;
