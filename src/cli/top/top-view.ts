import type { ConsoleMessage } from '../../console/index.js';

/** By what leases are put in order, the most first. */
export const leaseOrders = ['held', 'no call', 'transaction', 'queries'] as const;

export type LeaseOrder = (typeof leaseOrders)[number];

/** What `top` shows. */
export interface TopView {
  readonly message: ConsoleMessage;
  /** Where it comes from, without anything secret. */
  readonly source: string;
  /** Undefined while snapshots come; else since when, in milliseconds since 1970, they do not, and why. */
  readonly lost: { readonly since: number; readonly reason: string } | undefined;
  readonly frozen: boolean;
  readonly order: LeaseOrder;
  /** How many leases are above the first that is shown. */
  readonly scrolled: number;
  /** Whether keys are read, and named in the last line. */
  readonly keys: boolean;
}

export interface TopSize {
  readonly columns: number;
  /** Undefined for as many as it takes. */
  readonly rows: number | undefined;
}
