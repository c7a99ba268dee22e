import type { MemberReport } from '../pool/member-report.js';
import type { PoolStatistics } from '../pool/statistics.js';
import type { Connection } from '../session/connection.js';
import { anonymous, type ConnectionIdentity } from '../session/identity.js';
import { normalisedStatements } from '../surrealql/normalised-statements.js';
import { systemClock } from '../time/clock.js';

/** Who has a connection now, and what is done on it. Times are in milliseconds. */
export interface HolderReport {
  /** The agent whose session it is; undefined for a caller of the pool itself. */
  readonly agent: string | undefined;
  /** How many single calls share it; 0 when one caller has it to itself. */
  readonly sharedBy: number;
  /** How long it has been lent. */
  readonly held: number;
  /** How long the holder has made no call; undefined while a call is under way, or a live query is open. */
  readonly idle: number | undefined;
  /** How long calls have been under way without any answer; undefined while none is under way. */
  readonly unansweredFor: number | undefined;
  /** How many queries this lease has made; 0 for connections that single calls share. */
  readonly queries: number;
  /** How long its transaction is open; undefined when none is. */
  readonly transactionFor: number | undefined;
  /** The last query without its values: `SELECT * FROM person WHERE age > ?`. Undefined before the first. */
  readonly statement: string | undefined;
  /** Where it was acquired: a stack, with `leakDetectionThreshold` or `idleLeaseThreshold`. */
  readonly origin: string | undefined;
}

/** One connection of the pool. Times are in milliseconds. */
export interface ConnectionReport {
  /** Its number, as in logs, events and errors. */
  readonly id: number;
  /** The address of its server, without its query string. */
  readonly endpoint: string;
  readonly state: keyof Pick<PoolStatistics, 'idle' | 'leased' | 'opening' | 'validating' | 'resetting' | 'closing'>;
  /** How long it has been in this state; for one that a caller has to itself, how long that caller has had it. */
  readonly stateFor: number;
  /** How long ago it was opened, or its opening began. */
  readonly age: number;
  /** How often it was lent. */
  readonly uses: number;
  readonly namespace: string;
  readonly database: string;
  /** Its user, in words; `no user` for none. */
  readonly user: string;
  /** Undefined while it is not lent. */
  readonly holder: HolderReport | undefined;
}

/** How many statements of a text are shown. */
const mostStatements = 3;

export function connectionReport(member: MemberReport<Connection, ConnectionIdentity>): ConnectionReport {
  const { id, endpoint, state, stateFor, age, uses, identity, resource } = member;
  // Named one by one: an identity holds more, such as variables.
  const { namespace, database } = resource?.database ?? identity;
  return {
    id,
    endpoint,
    state,
    stateFor,
    age,
    uses,
    namespace,
    database,
    user: resource?.user ?? identity.signIn?.who ?? anonymous,
    holder: state === 'leased' ? holderOf(member) : undefined,
  };
}

function holderOf(member: MemberReport<Connection, ConnectionIdentity>): HolderReport {
  const { lease, sharers, stateFor, resource, tenant } = member;
  const { count, lastText } = resource?.queriesOf(lease) ?? { count: 0, lastText: undefined };
  const text = lease === undefined ? resource?.lastText : lastText;
  const began = resource?.transactionSince;
  return {
    agent: tenant,
    sharedBy: sharers.length,
    held: stateFor,
    idle: unusedFor(member),
    unansweredFor: resource?.unansweredFor,
    queries: count,
    transactionFor: began === undefined ? undefined : systemClock.now() - began,
    statement: text === undefined ? undefined : shortened(text),
    origin: lease?.origin?.text,
  };
}

/** How long a lent connection has not been used by its holder; undefined while it is. */
export function unusedFor({ resource, stateFor }: MemberReport<Connection, ConnectionIdentity>): number | undefined {
  const unused = resource?.unusedFor;
  return unused === undefined ? undefined : Math.min(unused, stateFor);
}

function shortened(text: string): string {
  const statements = normalisedStatements(text);
  const more = statements.length - mostStatements;
  const shown = statements.slice(0, mostStatements).join('; ');
  return more > 0 ? `${shown}; and ${more} more` : shown;
}
