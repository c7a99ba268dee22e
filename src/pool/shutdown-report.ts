/** A lease that was still held when a shutdown's grace period ended. */
export interface AbortedLease {
  readonly connection: number;
  /** How long it had been held, in milliseconds. */
  readonly held: number;
  /** How often its connection had been lent. */
  readonly uses: number;
  /** The stack of its acquire; undefined without `leakDetectionThreshold`. */
  readonly origin: string | undefined;
}

/** How a shutdown went. */
export interface ShutdownReport {
  /** In milliseconds. */
  readonly duration: number;
  /** Callers that were waiting and were refused. */
  readonly refused: number;
  /** Leases that ended by themselves within the grace period. */
  readonly drained: number;
  /** Leases still held when the grace period ended, and aborted. */
  readonly aborted: readonly AbortedLease[];
  /** Connections closed. */
  readonly closed: number;
}
