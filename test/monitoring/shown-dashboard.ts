import { readFileSync } from 'node:fs';
import { projectFolder } from '../support/documentation.js';

/** A query of a panel, as Grafana would send it but for the variables. */
export interface ShownQuery {
  readonly legend: string;
  readonly expr: string;
}

/** A panel with queries. */
export interface ShownPanel {
  readonly id: number;
  readonly title: string;
  readonly type: string;
  readonly description: string;
  readonly unit: string | undefined;
  readonly place: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly queries: readonly ShownQuery[];
}

/** A variable whose values the data source gives. */
export interface ShownVariable {
  readonly name: string;
  readonly query: string;
}

interface DashboardJson {
  readonly panels: readonly {
    readonly id: number;
    readonly type: string;
    readonly title: string;
    readonly description?: string;
    readonly gridPos: ShownPanel['place'];
    readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
    readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
  }[];
  readonly templating: {
    readonly list: readonly {
      readonly type: string;
      readonly name: string;
      readonly query: string | { query: string };
    }[];
  };
}

/** The committed file. */
export const dashboardFile = `${projectFolder}monitoring/grafana-dashboard.json`;
const json = JSON.parse(readFileSync(dashboardFile, 'utf8')) as DashboardJson;

/** Everything on the dashboard, rows included, in the order of the page. */
export const everything = json.panels;

export const panels: readonly ShownPanel[] = json.panels
  .filter(({ type }) => type !== 'row')
  .map(({ id, title, type, description = '', gridPos, fieldConfig, targets = [] }) => ({
    ...{ id, title, type, description, place: gridPos, unit: fieldConfig?.defaults.unit },
    queries: targets.map(({ expr, legendFormat }) => ({ legend: legendFormat, expr })),
  }));

export const variables: readonly ShownVariable[] = json.templating.list
  .filter(({ type }) => type === 'query')
  .map(({ name, query }) => ({ name, query: typeof query === 'string' ? query : query.query }));

/** The names of all variables, those that Grafana fills by itself included. */
export const variableNames: ReadonlySet<string> = new Set([
  ...json.templating.list.map(({ name }) => name),
  '__rate_interval',
]);

/** An expression with values in place of its variables; "All" for those that are not given, as the dashboard writes that. */
export function filledIn(expr: string, values: Readonly<Record<string, string>>): string {
  return expr.replace(/\$(\w+)/g, (_, name: string) => values[name] ?? '.*');
}
