/** The extra members of the SDK's `ChannelIterator`. */
interface Channel<T> extends AsyncIterator<T> {
  submit?: (message: T) => void;
}

/**
 * Keeps messages that the SDK's channel would lose. The channel gives a message to the waiting reader, but still counts
 * that reader as waiting until the next `next()`, so a second message in the same moment is lost. This keeps it until
 * it is read.
 */
export function lossless<T>(channel: AsyncIterator<T>): AsyncIterator<T> {
  const patient: Channel<T> = channel;
  const submit = patient.submit?.bind(channel);
  if (submit === undefined) return channel;
  const next = channel.next.bind(channel);
  const kept: T[] = [];
  let waiting = false;
  patient.submit = (message) => {
    if (waiting) {
      waiting = false;
      submit(message);
    } else {
      kept.push(message);
    }
  };
  patient.next = () => {
    const value = kept.shift();
    if (value !== undefined) return Promise.resolve({ value, done: false });
    waiting = true;
    return next().then((result) => {
      // The message was one the channel had already queued itself.
      waiting = false;
      return result;
    });
  };
  return channel;
}
