import type { Scene } from './scene.js';

/** A kind of load, and what a pool has to show under it. */
export interface Scenario {
  /** In one line, for the help. */
  readonly summary: string;
  /** Opens a pool in the scene, loads it, and says what has to hold. */
  play(scene: Scene): Promise<void>;
}
