/** What is known of a run, while it goes on and for as long as it is remembered: a JSON file in `state_dir/runs`. */
export interface RunRecord {
  readonly format: 1;
  /** Sorts by time: `20261124T020000Z-1f3a`. */
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly config: {
    readonly file: string;
    readonly hash: string;
    readonly params: Readonly<Record<string, string | number | boolean | null>>;
  };
  /** `running` in a record of a dead process: it was killed. */
  readonly status: 'running' | 'complete' | 'failed' | 'stopped';
  readonly exitCode: number | null;
  readonly error: string | null;
  readonly process: { readonly pid: number; readonly host: string };
  /** ISO 8601. */
  readonly startedAt: string;
  readonly endedAt: string | null;
  /** Of the clock that never jumps. */
  readonly seconds: number;
  /** 1 and more: what may pass was tried again. */
  readonly attempts: number;
  /** By source. */
  readonly inputs: Readonly<Record<string, InputRecord>>;
  /** Fingerprints and the like, as in the outputs' footers. */
  readonly provenance: Readonly<Record<string, string>>;
  /** In the order of the file. */
  readonly stages: readonly StageRecord[];
  readonly peakMemoryBytes: number;
  readonly outputs: readonly OutputRecord[];
  /** Where its manifest was written, where it was. */
  readonly manifest: string | null;
  /** The quarantine file, where one was written. */
  readonly quarantine: string | null;
  readonly notes: readonly string[];
  readonly reports: readonly string[];
}

/** The files of a source, compared with those of the last complete run. */
export interface InputRecord {
  readonly files: number;
  readonly bytes: number;
  readonly rows: number | null;
  /**
   * SHA-256 over the contents of all files, whatever their names and order. It starts with `stat:` where sizes and times
   * stand for contents that nothing has read, and is null where no files are read.
   */
  readonly fingerprint: string | null;
  /** The first 20 of each. */
  readonly new: readonly string[];
  readonly gone: readonly string[];
  readonly changed: readonly string[];
  /** All of them. */
  readonly counts: { readonly new: number; readonly gone: number; readonly changed: number };
}

/** rowsIn = rowsOut + leftOut + rejected, once it is done. */
export interface StageRecord {
  readonly id: string;
  /** `extract+top_k` */
  readonly label: string;
  readonly kind: 'source' | 'transform' | 'combine' | 'sink';
  readonly rowsIn: number;
  readonly rowsOut: number;
  readonly leftOut: Readonly<Record<string, number>>;
  readonly rejected: number;
  /** By what was wrong. */
  readonly rejectedFor: Readonly<Record<string, number>>;
  readonly figures: Readonly<Record<string, number>>;
  /** From its start to its end. */
  readonly seconds: number;
  /** Of these, those in which it worked, and did not wait for other stages. Records of earlier versions have none. */
  readonly busySeconds?: number | undefined;
}

export interface OutputRecord {
  /** The stage that wrote it. */
  readonly stage: string;
  readonly path: string;
  readonly rows: number;
  readonly files: readonly { readonly path: string; readonly bytes: number; readonly sha256: string }[];
}
