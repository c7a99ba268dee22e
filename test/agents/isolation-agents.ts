import type { AcquireOptions } from '../../src/index.js';
import type { Place } from '../support/backend.js';

/** The databases that agents work in, or move to. */
export const places: readonly [Place, Place, Place] = [
  { namespace: 'tenants', database: 'one' },
  { namespace: 'tenants', database: 'two' },
  { namespace: 'beyond', database: 'one' },
];

export const [one, two, beyond] = places;

export const root = { username: 'root', password: 'secret' };

/** Variables that leases set and take away; some agents have the first as their own. */
export const variables = ['tenant', 'limits', 'a', 'b', 'c', 'own_name', 'Ünïcode'] as const;

/** Whom an acquire is for. Two agents of one identity are two agents all the same: neither may see the other. */
export interface Agent {
  readonly name: string;
  readonly identity: Pick<AcquireOptions, 'namespace' | 'database' | 'credentials' | 'credentialsKey' | 'variables'>;
}

const editor = (place: Place) => ({ username: 'editor', password: 'secret', ...place });
const record = (name: string, place: Place) => ({ access: 'person', variables: { name }, ...place });

export const agents: readonly [Agent, ...Agent[]] = [
  { name: 'home', identity: {} },
  { name: 'root in one', identity: { ...one, credentials: root } },
  { name: 'root in one, another agent', identity: { ...one, credentials: root } },
  { name: 'root beyond', identity: { ...beyond, credentials: root, variables: { tenant: 'beyond', b: 2, c: 3 } } },
  {
    name: 'root with variables',
    identity: { ...two, credentials: root, variables: { tenant: 'two', limits: [1, 2] } },
  },
  { name: 'root with another variable', identity: { ...two, credentials: root, variables: { tenant: 'other' } } },
  {
    name: 'root by a function',
    identity: { ...one, credentials: () => root, credentialsKey: 'of a function', variables: { a: 1 } },
  },
  {
    name: 'editor of a namespace',
    identity: { ...one, credentials: { username: 'chief', password: 'secret', namespace: one.namespace } },
  },
  {
    name: 'editor of a database',
    identity: { ...one, credentials: editor(one), variables: { tenant: 'one', a: 'mine' } },
  },
  {
    name: 'viewer of a database',
    identity: { ...two, credentials: { username: 'viewer', password: 'secret', ...two } },
  },
  { name: 'Ada', identity: { ...one, credentials: record('Ada', one) } },
  { name: 'Bob', identity: { ...one, credentials: record('Bob', one), variables: { tenant: 'Bob' } } },
  { name: 'Ada beyond', identity: { ...beyond, credentials: record('Ada', beyond) } },
  { name: 'anonymous', identity: { ...one, credentials: null } },
];

/** What leases sign in as by themselves. Passwords are slow to check, so most sign in by the tokens that these gave. */
export const signIns = [
  root,
  editor(one),
  { username: 'chief', password: 'secret', namespace: beyond.namespace },
  record('Ada', two),
  record('Bob', beyond),
];

/** Tables: what was written when, and what must never be written at all. */
export const tables = {
  /** Live queries watch it. */
  news: 'news',
  /** Each lease writes to it and looks at once whether others see that. */
  written: 'written',
  /** What was sent before the end of a lease may write to it, or not. */
  between: 'between',
  /** Only objects kept beyond their lease write to it: nothing must ever be there. */
  late: 'late',
  /** Only transactions that nobody commits write to it: nothing must ever be there. */
  left: 'left',
} as const;

/** Defines the users, accesses and tables, by a user of everything. */
export async function defineAll(ask: (text: string, place?: Place) => Promise<unknown>): Promise<void> {
  for (const namespace of new Set(places.map((place) => place.namespace))) {
    await ask(`REMOVE NAMESPACE IF EXISTS ${namespace}; DEFINE NAMESPACE ${namespace}`);
  }
  for (const { namespace, database } of places) await ask(`USE NS ${namespace}; DEFINE DATABASE ${database}`);
  for (const place of places) {
    const defined = Object.values(tables).map((table) => `DEFINE TABLE ${table} PERMISSIONS FULL;`);
    await ask(
      `${defined.join(' ')} DEFINE TABLE person PERMISSIONS FULL;
       CREATE person:ada SET name = "Ada"; CREATE person:bob SET name = "Bob";
       DEFINE ACCESS person ON DATABASE TYPE RECORD SIGNUP (CREATE person SET name = $name)
         SIGNIN (SELECT * FROM person WHERE name = $name) DURATION FOR TOKEN 1h, FOR SESSION 1h;
       DEFINE USER OVERWRITE chief ON NAMESPACE PASSWORD "secret" ROLES EDITOR;
       DEFINE USER editor ON DATABASE PASSWORD "secret" ROLES EDITOR;
       DEFINE USER viewer ON DATABASE PASSWORD "secret" ROLES VIEWER;`,
      place,
    );
  }
}
