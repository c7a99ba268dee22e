import type { Candidate } from '../candidate.js';
import { Turns } from './turns.js';

/** An endpoint where all fails gets this part of its load all the same: otherwise it could not show that it is well again. */
const least = 0.05;

/** By turns, weighted by share and by how much of what was tried at the endpoint lately succeeded. */
export class HealthBased extends Turns {
  protected speed({ share, health }: Candidate): number {
    const part = health > least ? health : least;
    return share > 0 ? share * part : part;
  }
}
