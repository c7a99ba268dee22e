import { chart } from '../panels.mjs';
import { outcome, perMinute, perSecond, pool, reason, seldom, shown, sum } from '../queries.mjs';

export default {
  title: 'Transactions and savepoints',
  panels: [
    chart({
      title: 'Transactions per minute, by outcome',
      help: 'conflict: another transaction changed the same records first; nothing was applied. lost: the connection was lost before the commit; nothing was applied. unknown: the answer to the commit was lost, and nobody knows. abandoned: a caller released the connection and left it open.',
      unit: 'cpm',
      width: 8,
      queries: [{ legend: shown(outcome), expr: seldom('surreal_pool_transactions_total', [outcome]), look: 'bars' }],
    }),
    chart({
      title: 'Conflicts and retries',
      help: 'The part of ended transactions that conflicted (solid, per pool), and how many retries each begun transaction needed (dotted). More than a few percent: many callers write the same record; spread it, or make the transactions shorter.',
      unit: 'percentunit',
      width: 8,
      queries: [
        {
          legend: `${shown(pool)} conflicts`,
          expr: `${perSecond('surreal_pool_transactions_total', [pool], `${outcome}="conflict"`)} / (${perSecond('surreal_pool_transactions_total', [pool])} > 0)`,
        },
        {
          legend: `${shown(pool)} retries`,
          expr: `${perSecond('surreal_pool_transaction_retries_total', [pool])} / (${perSecond('surreal_pool_transaction_begun_total', [pool])} > 0)`,
          look: 'other',
        },
      ],
    }),
    chart({
      title: 'Open transactions',
      help: 'Begun and neither committed nor rolled back. It only grows: somebody forgets to end them.',
      unit: 'short',
      width: 8,
      queries: [{ legend: shown(pool), expr: sum('surreal_pool_transaction_open', [pool]) }],
    }),
    chart({
      title: 'Aborted, and outcomes found out, per minute',
      help: 'aborted: a call in the transaction failed, so it could only be rolled back. found out: the answer to a commit was lost, and verifyCommit found out what became of it.',
      unit: 'cpm',
      width: 8,
      queries: [
        { legend: `${shown(pool)} aborted`, expr: perMinute('surreal_pool_transaction_aborted_total', [pool]) },
        {
          legend: `${shown(pool)} found out`,
          expr: perMinute('surreal_pool_transaction_fenced_total', [pool]),
          look: 'other',
        },
      ],
    }),
    chart({
      title: 'Savepoints per minute',
      help: 'Created; rolled back to; and divergences: rollbacks that failed because a call gave another answer when it was replayed. Divergences: the transaction reads what others write; see docs/savepoints.md.',
      unit: 'cpm',
      width: 8,
      queries: [
        { legend: `${shown(pool)} created`, expr: perMinute('surreal_pool_savepoints_total', [pool]) },
        { legend: `${shown(pool)} rollbacks`, expr: perMinute('surreal_pool_savepoint_rollbacks_total', [pool]) },
        {
          legend: `${shown(pool)} divergences`,
          expr: perMinute('surreal_pool_savepoint_divergences_total', [pool]),
          look: 'other',
        },
      ],
    }),
    chart({
      title: 'Savepoints: refused, and calls replayed, per minute',
      help: 'unsupported: a call that cannot be replayed or verified. limit: too much to keep or to replay; make the transaction smaller. Replayed calls are what rollbacks cost.',
      unit: 'cpm',
      width: 8,
      queries: [
        {
          legend: `refused ${shown(reason)}`,
          expr: seldom('surreal_pool_savepoint_refusals_total', [reason]),
          look: 'bars',
        },
        { legend: `${shown(pool)} replayed`, expr: perMinute('surreal_pool_savepoint_replayed_calls_total', [pool]) },
      ],
    }),
  ],
};
