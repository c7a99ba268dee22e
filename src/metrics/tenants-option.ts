import type { OptionReader } from '../config/closed-options.js';
import { Refusal, show } from '../config/refusal.js';

/** A few: each agent has a series of every metric of agents, and all of them are collected and kept. */
const mostTenants = 1_000;

/** Reads the option `tenants`: how many agents of a pool have series of their own. */
export const asTenants: OptionReader = (given) =>
  Number.isInteger(given) && Number(given) >= 0 && Number(given) <= mostTenants
    ? given
    : new Refusal(`a whole number from 0 to ${mostTenants}`, show(given));
