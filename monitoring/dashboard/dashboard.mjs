// The Grafana dashboard of a pool. `npm run dashboard` writes it to grafana-dashboard.json, which is what one imports.
// From top to bottom it answers the questions of somebody who was just woken up: is it well, whose fault is it, and then one
// subject after the other.
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import { datasource } from './panels.mjs';
import { endpoint, pool } from './queries.mjs';
import agents from './rows/agents.mjs';
import connections from './rows/connections.mjs';
import isItWell from './rows/is-it-well.mjs';
import servers from './rows/servers.mjs';
import tokensAndLeaks from './rows/tokens-and-leaks.mjs';
import transactions from './rows/transactions.mjs';
import whoseFault from './rows/whose-fault.mjs';

/** The parts of the dashboard, from top to bottom. */
const rows = [isItWell, whoseFault, servers, connections, transactions, agents, tokensAndLeaks];

/**
 * A list of the values of a label, from which the reader chooses several or all.
 *
 * @param {string} name
 * @param {string} label
 * @param {string} query
 */
const choice = (name, label, query) =>
  new dashboard.QueryVariableBuilder(name)
    .label(label)
    .datasource(datasource)
    .query({ qryType: 1, query, refId: `variable-${name}` })
    .definition(query)
    .refresh(dashboard.VariableRefresh.OnTimeRangeChanged)
    .sort(dashboard.VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    // Also series without the label, as some ways of collecting write no job.
    .allValue('.*')
    .current({ selected: true, text: ['All'], value: ['$__all'] });

/** The whole dashboard, as Grafana imports it. */
export function buildDashboard() {
  const limit = 'db_client_connection_limit';
  const inProcess = 'job=~"$job", instance=~"$instance"';
  const builder = new dashboard.DashboardBuilder('surreal-pool')
    .uid('surreal-pool')
    .description('Pools of connections to SurrealDB: is it well, whose fault is it, and why.')
    .tags(['surreal-pool', 'surrealdb'])
    .editable()
    .tooltip(dashboard.DashboardCursorSync.Crosshair)
    .time({ from: 'now-1h', to: 'now' })
    .refresh('30s')
    .timezone('browser')
    .link(
      new dashboard.DashboardLinkBuilder('Runbooks')
        .type(dashboard.DashboardLinkType.Link)
        .icon('doc')
        .tooltip('What each alert means, and what to do')
        .targetBlank(true)
        .url('https://github.com/surreal-pool/surreal-pool/blob/main/docs/runbooks.md'),
    )
    .variables([
      new dashboard.DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'),
      choice('job', 'Job', `label_values(${limit}, job)`),
      choice('instance', 'Process', `label_values(${limit}{job=~"$job"}, instance)`),
      choice('pool', 'Pool', `label_values(${limit}{${inProcess}}, ${pool})`),
      choice(
        'endpoint',
        'Server',
        `label_values(surreal_pool_endpoint_state{${inProcess}, ${pool}=~"$pool"}, ${endpoint})`,
      ),
      new dashboard.IntervalVariableBuilder('interval')
        .label('Shortest step')
        .values('15s,1m,5m,15m,1h')
        .current({ selected: true, text: '15s', value: '15s' }),
    ]);
  let id = 1;
  for (const { title, panels } of rows) {
    builder.withRow(new dashboard.RowBuilder(title).id(id++));
    for (const panel of panels) builder.withPanel(panel.id(id++));
  }
  return builder.build();
}

/** The text of grafana-dashboard.json. */
export const dashboardText = () => `${JSON.stringify(buildDashboard(), null, 2)}\n`;
