import type { Action } from './messages.js';

/** A part of the run, which begins with something that happens to a server. */
export interface Part {
  readonly title: string;
  /** Of the whole time. */
  readonly share: number;
  readonly action?: { readonly what: Action; readonly server: number };
}

/** What happens: one server is lost and comes back, another one falls silent and goes on. */
export const plan: readonly Part[] = [
  { title: 'all well', share: 0.15 },
  { title: 'server 1 killed', share: 0.15, action: { what: 'kill', server: 0 } },
  { title: 'server 1 back', share: 0.2, action: { what: 'start', server: 0 } },
  { title: 'server 2 frozen', share: 0.35, action: { what: 'freeze', server: 1 } },
  { title: 'server 2 goes on', share: 0.15, action: { what: 'thaw', server: 1 } },
];

/** The shortest run, in milliseconds: its freeze is noticed on connections that are in use and on idle ones, which takes 6.5 s. */
export const shortestRun = 20_000;

/** Operations per second, when none are said: what two slow cores bear, so that what callers notice is the fault. */
export const usualRate = 200;

/** Settings of the pool, some of them faster than by default so that a short run shows all of it. */
export const settings = {
  /** A call without an answer in this time fails, as it should in every service. Default: no limit. */
  queryTimeout: 2_000,
  balancing: { slowStart: 2_000, rebalanceInterval: 250 },
} as const;
