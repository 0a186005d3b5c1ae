import { NagError } from './errors.js';

/** What stops a run from outside. */
export class Interrupted extends NagError {
  override readonly name = 'Interrupted';

  constructor(
    signalName: string,
    override readonly exitCode: number,
    kept = false,
  ) {
    super(
      `stopped by ${signalName}: nothing was written${kept ? ', and what is done is kept for the next run' : ''}`,
    );
  }
}
