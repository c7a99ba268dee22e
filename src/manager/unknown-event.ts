import { refused, suggestionFor } from '../config/form.js';
import type { ConfigurationError } from '../errors/configuration.js';
import { eventNames } from '../pool/events.js';

/** The error for subscribing to an unknown event, which would never come. */
export function unknownEvent(name: unknown): ConfigurationError {
  const title = 'The name of the event';
  const issue = suggestionFor(String(name), 'an unknown event', { title, name: (path) => path, names: eventNames });
  return refused(title, [issue]);
}
