import type { Config } from './config/load.js';
import type { Plan } from './plan.js';

/** A configuration that is to be run, once. */
export interface Job {
  /** The run's id. */
  readonly id: string;
  readonly config: Config;
  readonly plan: Plan;
  /** Of the program. */
  readonly version: string;
}
