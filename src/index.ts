export {
  type AgentLog,
  AgentSession,
  type AgentSessionOptions,
  type SessionMaker,
} from './agents/agent-session.js';
export type { GuardedStatement, StatementGuard } from './agents/guards.js';
export { type ChainReport, verifyChain } from './agents/hash-chain.js';
export type { ResourceLimits } from './agents/limits.js';
export type { SessionState } from './agents/session-core.js';
export type {
  CallEntry,
  LogEntry,
  OperationEntry,
  RecordedEntry,
  RecordedOperation,
  TransactionOperation,
} from './agents/session-log.js';
export type { SessionStatistics, SessionTotals } from './agents/session-statistics.js';
export type { SessionsStatistics } from './agents/sessions.js';
export type { ImportInput } from './calls/import.js';
export type { Duration } from './config/duration.js';
export {
  type BalancingConfig,
  type DiscoverEndpoints,
  type DiscoveryConfig,
  type DnsEndpoints,
  type EndpointOptions,
  type Endpoints,
  type LoadBalancing,
  type LoadBalancingName,
  LoadBalancingStrategy,
  type SrvEndpoints,
} from './config/endpoint-options.js';
export type {
  BearerCredentials,
  Credentials,
  CredentialsProvider,
  IdentityOptions,
  PasswordCredentials,
  RecordCredentials,
  RefreshCredentials,
  TokenCredentials,
} from './config/identity-options.js';
export type {
  ConnectionMode,
  DatabaseConfig,
  OnFirstUse,
  PoolCodecOptions,
  PoolOptions,
  RetireOn,
} from './config/options.js';
export type {
  Batching,
  CircuitBreakerConfig,
  LoadSheddingConfig,
  NestedAcquirePolicy,
  PoolConfig,
  RetryPolicy,
} from './config/pool-options.js';
export { configFromEnvironment, configFromFile } from './config/sources.js';
export {
  AcquireAbortedError,
  AcquireError,
  AcquireFailedError,
  AcquireTimeoutError,
  CircuitOpenError,
  type EndpointTrouble,
  NestedAcquireError,
  PoolShutdownError,
  type PoolSnapshot,
  QueueFullError,
  QueueOverloadError,
} from './errors/acquire.js';
export {
  type AgentLimit,
  AgentLimitError,
  StatementRefusedError,
} from './errors/agent.js';
export type { Asked } from './errors/asked.js';
export { AuditError } from './errors/audit.js';
export { ExportError, ImportError, type ImportFailure } from './errors/backup.js';
export {
  CallAbortedError,
  CallError,
  CommitOutcomeUnknownError,
  ConnectionLostError,
  IdentityLostError,
  LeaseReleasedError,
  QueryTimeoutError,
} from './errors/call.js';
export { ConfigurationError, type ConfigurationIssue, UsageError } from './errors/configuration.js';
export { ConnectError, DeadlineError } from './errors/connect.js';
export { EndpointMismatchError, NoEndpointError } from './errors/endpoint.js';
export { outcomeOf } from './errors/outcome.js';
export { type CallOutcome, PoolError } from './errors/pool-error.js';
export { SavepointDivergedError, SavepointLimitError, SavepointUnsupportedError } from './errors/savepoint.js';
export {
  CommitVerificationError,
  TransactionAbortedError,
  TransactionConflictError,
  TransactionEndedError,
  TransactionLostError,
} from './errors/transaction.js';
export type { Logger } from './logger.js';
export type { AcquireOptions, CallRetryOptions } from './manager/acquire-options.js';
export type { ConnectionReport, HolderReport } from './manager/connection-report.js';
export type { HealthStatus, Metrics } from './manager/health-report.js';
export type { ScopeOptions } from './manager/scope-options.js';
export type { ShutdownReport } from './manager/shutdown.js';
export { ConnectionManager, createPool } from './manager.js';
export type { CloseReason } from './pool/close-reason.js';
export type { EndpointReport } from './pool/endpoint-report.js';
export type { PoolEvents, RefusalReason } from './pool/events.js';
export type { HistogramSummary } from './pool/histogram.js';
export type { TimeSummary } from './pool/recent-histogram.js';
export type { AbortedLease } from './pool/shutdown-report.js';
export { PoolScope } from './pool-scope.js';
export { PooledConnection } from './pooled-connection.js';
export { shutdownOnSignals } from './shutdown-on-signals.js';
export type { AcquireTrace, ConnectTrace, QueryTrace, TransactionTrace } from './telemetry/channels.js';
export type { MessageStatistics } from './telemetry/message-counters.js';
export type { PoolStats } from './telemetry/pool-stats.js';
export type { QueryStatistics } from './telemetry/query-journal.js';
export type { SavepointStatistics } from './telemetry/savepoint-counters.js';
export type { TokenStatistics } from './telemetry/token-counters.js';
export type { TransactionStatistics } from './telemetry/transaction-counters.js';
export { Savepoint } from './transactions/savepoint.js';
export { Transaction, type TransactionWork } from './transactions/transaction.js';
export type {
  TransactionOptions,
  TransactionRetryOptions,
  WithTransactionOptions,
} from './transactions/transaction-options.js';
export type { TransactionStatus } from './transactions/transaction-state.js';
