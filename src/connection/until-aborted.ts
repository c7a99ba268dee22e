export { untilAborted } from '../time/until-aborted.js';
