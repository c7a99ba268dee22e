import type { Scene } from './scene.js';

/** A kind of load, and what must hold under it. */
export interface Scenario {
  /** One line for the help. */
  readonly summary: string;
  /** Opens a pool in the scene, loads it, and states what must hold. */
  play(scene: Scene): Promise<void>;
}
