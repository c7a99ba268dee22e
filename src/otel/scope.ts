/** The instrumentation scope of the spans and metrics: this package and its version. */
export const scope = { name: 'surreal-pool', version: '0.1.0' } as const;
