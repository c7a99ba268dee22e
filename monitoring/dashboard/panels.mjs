// The kinds of panels on the dashboard. What they show stands in rows/.
import * as common from '@grafana/grafana-foundation-sdk/common';
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import * as prometheus from '@grafana/grafana-foundation-sdk/prometheus';
import * as stat from '@grafana/grafana-foundation-sdk/stat';
import * as statetimeline from '@grafana/grafana-foundation-sdk/statetimeline';
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';

/**
 * One query of a panel. `look` tells lines apart without colour: `bound` is a thin dashed line (a limit that something must
 * not pass), `other` a dotted one (the second of two things that are compared), `stacked` an area on top of the others.
 *
 * @typedef {{ legend: string, expr: string, look?: 'bound' | 'other' | 'stacked' | 'bars' }} Query
 */

/**
 * `help` says what the panel means and what to do; Grafana shows it at the title. `width` is in columns of 24.
 *
 * @typedef {{ title: string, help: string, unit: string, width: number, queries: Query[] }} PanelText
 */

/** The data source that the reader chose. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of Grafana
export const datasource = { type: 'prometheus', uid: '${datasource}' };

/** Rates are taken over $__rate_interval, and no step is shorter than the reader allows. */
const shortestStep = '$interval';

/** @param {Query[]} queries */
const targets = (queries) =>
  queries.map(({ legend, expr }, index) =>
    new prometheus.DataqueryBuilder()
      .refId(String.fromCharCode('A'.charCodeAt(0) + index))
      .datasource(datasource)
      .expr(expr)
      .legendFormat(legend)
      .editorMode(prometheus.QueryEditorMode.Code)
      .range(),
  );

/** @param {{ value: number | null, color: string }[]} steps */
const thresholds = (steps) =>
  new dashboard.ThresholdsConfigBuilder().mode(dashboard.ThresholdsMode.Absolute).steps(
    // The first step begins below every number: Grafana writes that as null.
    steps.map(({ value, color }) => ({ value, color })),
  );

/**
 * A big number with the course of the last five minutes behind it. From `badFrom` on it has the colour of a warning as well. Only
 * five minutes, because Grafana shows the last value that there is: of an hour that may be one from long ago.
 *
 * @param {PanelText & { badFrom?: number }} text
 */
export function bigNumber({ title, help, unit, width, queries, badFrom }) {
  const steps = [
    { value: null, color: 'text' },
    ...(badFrom === undefined ? [] : [{ value: badFrom, color: 'orange' }]),
  ];
  return new stat.PanelBuilder()
    .title(title)
    .description(help)
    .datasource(datasource)
    .interval(shortestStep)
    .timeFrom('5m')
    .unit(unit)
    .span(width)
    .height(5)
    .noValue('none')
    .graphMode(common.BigValueGraphMode.Area)
    .colorMode(common.BigValueColorMode.Value)
    .textMode(queries.length > 1 ? common.BigValueTextMode.ValueAndName : common.BigValueTextMode.Value)
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']).values(false))
    .thresholds(thresholds(steps))
    .targets(targets(queries));
}

/** @type {Record<NonNullable<Query['look']>, dashboard.DynamicConfigValue[]>} */
const looks = {
  bound: [
    { id: 'custom.lineStyle', value: { fill: 'dash', dash: [12, 6] } },
    { id: 'custom.lineWidth', value: 2 },
    { id: 'custom.fillOpacity', value: 0 },
  ],
  other: [
    { id: 'custom.lineStyle', value: { fill: 'dot', dash: [2, 6] } },
    { id: 'custom.lineWidth', value: 3 },
  ],
  stacked: [
    { id: 'custom.stacking', value: { mode: 'normal', group: 'A' } },
    { id: 'custom.fillOpacity', value: 40 },
  ],
  bars: [
    { id: 'custom.drawStyle', value: 'bars' },
    { id: 'custom.fillOpacity', value: 60 },
    { id: 'custom.stacking', value: { mode: 'normal', group: 'B' } },
  ],
};

/**
 * Lines or bars over time, with a table of their last and highest values below.
 *
 * @param {PanelText} text
 */
export function chart({ title, help, unit, width, queries }) {
  const panel = new timeseries.PanelBuilder()
    .title(title)
    .description(help)
    .datasource(datasource)
    .interval(shortestStep)
    .unit(unit)
    .min(0)
    .span(width)
    .height(9)
    .lineWidth(2)
    .fillOpacity(0)
    .showPoints(common.VisibilityMode.Auto)
    .spanNulls(false)
    .legend(
      new common.VizLegendOptionsBuilder()
        .displayMode(common.LegendDisplayMode.Table)
        .placement(common.LegendPlacement.Bottom)
        .showLegend(true)
        .calcs(['lastNotNull', 'max']),
    )
    .tooltip(
      new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Multi).sort(common.SortOrder.Descending),
    )
    .targets(targets(queries));
  for (const [index, { look }] of queries.entries()) {
    if (look !== undefined) panel.overrideByQuery(String.fromCharCode('A'.charCodeAt(0) + index), looks[look]);
  }
  return panel;
}

/**
 * A bar over time for each pool or server, with the state written in it.
 *
 * @param {PanelText & { states: readonly { name: string, color: string }[] }} text The states in the order of their numbers.
 */
export function timeline({ title, help, width, queries, states }) {
  const options = Object.fromEntries(states.map(({ name, color }, index) => [index, { text: name, color, index }]));
  return new statetimeline.PanelBuilder()
    .title(title)
    .description(help)
    .datasource(datasource)
    .interval(shortestStep)
    .span(width)
    .height(7)
    .mappings([{ type: dashboard.MappingType.ValueToText, options }])
    .colorScheme(new dashboard.FieldColorBuilder().mode(dashboard.FieldColorModeId.Thresholds))
    .mergeValues(true)
    .showValue(common.VisibilityMode.Always)
    .rowHeight(0.8)
    .legend(
      new common.VizLegendOptionsBuilder()
        .displayMode(common.LegendDisplayMode.List)
        .placement(common.LegendPlacement.Bottom)
        .showLegend(true)
        .calcs([]),
    )
    .targets(targets(queries));
}
