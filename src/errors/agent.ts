import { type CallOutcome, PoolError } from './pool-error.js';

/** The option that sets the limit, see `ResourceLimits`. */
export type AgentLimit =
  | 'maxConnections'
  | 'maxWaiting'
  | 'maxOperations'
  | 'operationsPerSecond'
  | 'maxTransactions'
  | 'maxRows'
  | 'maxBytes';

/** The details of an {@link AgentLimitError}. */
export interface AgentLimitDetails {
  readonly sessionId: string;
  readonly agentId: string;
  readonly limit: AgentLimit;
  readonly max: number;
  readonly value: number;
  readonly scope: 'session' | 'parent';
  readonly limitOf: string;
  readonly retryAfter?: number | undefined;
  readonly outcome?: CallOutcome;
}

/**
 * A limit of an agent session, or of one of its parents, was reached. The call was not sent, except for an answer that
 * is too large (`maxRows`, `maxBytes`): that statement was executed, and its answer was discarded.
 */
export class AgentLimitError extends PoolError {
  static override readonly name: string = 'AgentLimitError';
  static override readonly code: string = 'ERR_POOL_AGENT_LIMIT';
  /** True when time alone makes room: `maxConnections`, `maxWaiting`, `operationsPerSecond`. */
  override readonly retryable: boolean;
  /**
   * `not-sent`, except for an answer that is too large: `unknown`, so that nobody takes the statement for one that was
   * not executed; in a transaction `not-sent` again, as nothing of it is applied.
   */
  override readonly outcome: CallOutcome;
  /** The session and the agent that were refused. */
  readonly sessionId: string;
  readonly agentId: string;
  /** The name of the limit, as the option is called: `maxOperations`. */
  readonly limit: AgentLimit;
  /** What the limit allows: a number of connections, operations, rows and so on. */
  readonly max: number;
  /** What was counted: how many there were already, or the size of the answer. */
  readonly value: number;
  /** Whose limit it is: the session's own, or that of a parent, with which it shares a budget. */
  readonly scope: 'session' | 'parent';
  /** The agent whose limit it is. */
  readonly limitOf: string;
  /**
   * After how many milliseconds there is room again. Exact for `operationsPerSecond`, if nobody else takes it; for
   * `maxConnections` an estimate from how long connections were held. Absent when it is not known, or when waiting does
   * not help.
   */
  declare readonly retryAfter?: number;

  constructor(details: AgentLimitDetails) {
    super(messageOf(details));
    const { limit, retryAfter } = details;
    this.retryable = limit === 'maxConnections' || limit === 'maxWaiting' || limit === 'operationsPerSecond';
    this.outcome = details.outcome ?? (isOfAnswer(limit) ? 'unknown' : 'not-sent');
    this.sessionId = details.sessionId;
    this.agentId = details.agentId;
    this.limit = limit;
    this.max = details.max;
    this.value = details.value;
    this.scope = details.scope;
    this.limitOf = details.limitOf;
    if (retryAfter !== undefined) this.retryAfter = retryAfter;
  }
}

function isOfAnswer(limit: AgentLimit): boolean {
  return limit === 'maxRows' || limit === 'maxBytes';
}

function messageOf(details: AgentLimitDetails): string {
  const { agentId, limit, max, scope, limitOf } = details;
  const whose = scope === 'session' ? 'its' : `its parent ${JSON.stringify(limitOf)}'s`;
  return `agent ${JSON.stringify(agentId)} has reached ${whose} ${limit} (${max}): ${reasonOf(details)}`;
}

function reasonOf({ limit, value, retryAfter, outcome }: AgentLimitDetails): string {
  const again = retryAfter === undefined ? 'later' : `in ${retryAfter} ms`;
  switch (limit) {
    case 'maxConnections':
      return `${count(value, 'connection')} in use. Release one, or try again ${again}; atMaxConnections: 'wait' waits instead`;
    case 'maxWaiting':
      return `${count(value, 'call')} waiting already. Wait for some of them, or try again ${again}`;
    case 'maxOperations':
      return `${count(value, 'operation')} made. Close the session, or raise the limit with changeLimits()`;
    case 'operationsPerSecond':
      return `no operation is left for now. Try again ${again}`;
    case 'maxTransactions':
      return `${count(value, 'transaction')} begun. Close the session, or raise the limit with changeLimits()`;
    case 'maxRows':
    case 'maxBytes': {
      const size = limit === 'maxRows' ? count(value, 'row') : count(value, 'byte');
      const done =
        outcome === 'not-sent'
          ? 'The answer was discarded, and nothing of the transaction is applied'
          : 'The statement was executed, its answer was discarded';
      return `an answer has ${size}. ${done}: ask for less with LIMIT, WHERE or fewer fields`;
    }
  }
}

function count(value: number, what: string): string {
  return `${value} ${what}${value === 1 ? '' : 's'}`;
}

/**
 * A guard of an agent's session refused a statement; nothing was sent. The message says what to do. When a guard of the
 * caller's own failed, `cause` is its error.
 */
export class StatementRefusedError extends PoolError {
  static override readonly name: string = 'StatementRefusedError';
  static override readonly code: string = 'ERR_POOL_STATEMENT_REFUSED';
  /** The statement, shortened and without the texts in it. */
  readonly statement: string;
  /** Which guard refused it: `access: 'read'`, `confirmDestructive`, or the function `guard`. */
  readonly rule: 'access' | 'destructive' | 'guard';

  constructor(
    message: string,
    options: {
      readonly statement: string;
      readonly rule: 'access' | 'destructive' | 'guard';
      readonly cause?: unknown;
    },
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.statement = options.statement;
    this.rule = options.rule;
  }
}
