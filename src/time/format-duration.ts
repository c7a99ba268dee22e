const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

/** A duration with two or three digits that count: `0.35 ms`, `6.1 ms`, `35 ms`, `1.8 s`, `35 s`, `2.5 min`, `24 h`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds === 0) return '0 ms';
  if (milliseconds < 0.995) return `${Math.max(milliseconds, 0.01).toFixed(2)} ms`;
  if (milliseconds < 0.9995 * second) return `${short(milliseconds)} ms`;
  if (milliseconds < 2 * minute) return `${short(milliseconds / second)} s`;
  return milliseconds < 2 * hour ? `${short(milliseconds / minute)} min` : `${short(milliseconds / hour)} h`;
}

/** One digit behind the point, where it counts. */
export function short(value: number): string {
  return value.toFixed(value < 9.95 ? 1 : 0);
}
