/** How many there are of each kind of what holds the process, or would. */
export type HeldResources = Readonly<Record<string, number>>;

/** What holds the process now: sockets, timers, child processes. */
export function heldResources(): HeldResources {
  const counts: Record<string, number> = {};
  for (const name of process.getActiveResourcesInfo()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** What there is more of than before. */
export function surplusOf(before: HeldResources): [kind: string, count: number][] {
  return Object.entries(heldResources()).filter(([name, count]) => count > (before[name] ?? 0));
}
