import { recordLoad } from '../record/record-load.js';
import { formatNumber } from './formats.js';
import type { LoadOptions } from './load-options.js';

/**
 * Records the load of `work`, where `--record` asks for it, and tells on stderr what was recorded.
 * @throws ConfigurationError when the file cannot be made
 */
export async function withRecording<T>({ record }: LoadOptions, work: () => Promise<T>): Promise<T> {
  if (record === undefined) return await work();
  const recording = recordLoad(record);
  try {
    return await work();
  } finally {
    const { units, calls, lost, error } = await recording.stop();
    const missing = lost === 0 ? '' : `, and lost ${formatNumber(lost, 'unit')}: the disk is too slow`;
    const failed = error === undefined ? '' : `; then the file could not be written: ${error.message}`;
    process.stderr.write(
      `surreal-pool: recorded ${formatNumber(units, 'unit')} with ${formatNumber(calls, 'call')} in ${record}${missing}${failed}\n`,
    );
  }
}
