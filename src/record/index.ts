import { messageOf } from '../errors/error-message.js';
import { recordLoad } from './record-load.js';

export type { Duration } from '../config/duration.js';
export type { RecordingSummary } from './load-recorder.js';
export type { LoadRecording, RecordLoadOptions } from './record-load.js';
export type { RecordingEnd } from './recording-format.js';
export { recordLoad };

/** The file for `node --import surreal-pool/record`; without it, importing this module records nothing. */
const variable = 'SURREAL_RECORD_LOAD';

/** Each process of a service gets its own file: `%p` stands for its number. */
function recordByEnvironment(path: string | undefined): void {
  if (path === undefined || path === '') return;
  try {
    recordLoad(path.replaceAll('%p', String(process.pid)));
  } catch (error) {
    // A recording that cannot be made is no reason for a service not to start.
    process.emitWarning(`nothing is recorded (${variable}): ${messageOf(error)}`, 'SurrealPoolWarning');
  }
}

recordByEnvironment(process.env[variable]);
