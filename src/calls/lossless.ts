/** What the SDK's `ChannelIterator` has besides what an iterator has. */
interface Channel<T> extends AsyncIterator<T> {
  submit?: (message: T) => void;
}

/**
 * The SDK's channel hands a message to whoever waits, and forgets that nobody waits any more until the next `next()`: a
 * second message in the same moment is lost. This keeps it until it is asked for.
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
      // Served from what the channel had kept itself, before it became patient.
      waiting = false;
      return result;
    });
  };
  return channel;
}
