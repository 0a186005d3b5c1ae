/** How much of a part is done, and where. */
export interface PartSettings {
  /** A folder for the part's files; made where missing. */
  readonly folder: string;
  readonly seed: number;
  /** Cases, or points; undefined: all of them, or as many as the requirement asks. */
  readonly count?: number | undefined;
  /** Only points whose names hold this text: to see one again. */
  readonly points?: string | undefined;
  readonly minutes?: number | undefined;
  /** Processes at a time. */
  readonly workers: number;
  /** Told of what is going on. */
  say?(text: string): void;
}
