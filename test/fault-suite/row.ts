import { readFile, writeFile } from 'node:fs/promises';

/** What a part of the suite tried, and what happened: a line of the table. */
export interface Row {
  readonly what: string;
  tried: number;
  /** How it ended → how often. */
  readonly outcomes: Map<string, number>;
  /** What must not be: each with what it takes to see it again. */
  readonly defects: string[];
  seconds: number;
  note: string;
}

export function startRow(what: string, note = ''): Row & { done(): Row } {
  const startedAt = performance.now();
  const row = {
    what,
    tried: 0,
    outcomes: new Map<string, number>(),
    defects: [],
    seconds: 0,
    note,
    done: (): Row => {
      row.seconds = (performance.now() - startedAt) / 1000;
      return row;
    },
  };
  return row;
}

/** One more case. */
export function tried(row: Row, outcome: string, defects: readonly string[] = [], again = ''): void {
  row.tried++;
  row.outcomes.set(outcome, (row.outcomes.get(outcome) ?? 0) + 1);
  for (const defect of defects) row.defects.push(again === '' ? defect : `${again}: ${defect}`);
}

/** `old output 12, new output 3` */
export function outcomesText(row: Row): string {
  return [...row.outcomes].map(([outcome, count]) => `${outcome} ${count}`).join(', ');
}

/** A Markdown table. */
export function tableOf(rows: readonly Row[]): string {
  const lines = rows.map((row) => {
    const cells = [
      row.what,
      row.tried,
      outcomesText(row),
      row.defects.length,
      row.seconds.toFixed(0),
      row.note,
    ];
    return `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;
  });
  return [
    '| What was done | Times | What happened | Defects | Seconds | Remarks |',
    '| --- | ---: | --- | ---: | ---: | --- |',
    ...lines,
  ].join('\n');
}

/** Keeps rows for a later report. */
export async function writeRows(file: string, rows: readonly Row[]): Promise<void> {
  const plain = rows.map((row) => ({ ...row, outcomes: [...row.outcomes] }));
  await writeFile(file, JSON.stringify(plain));
}

/** Rows that were kept; none where there is no such file. */
export async function readRows(file: string): Promise<Row[]> {
  const text = await readFile(file, 'utf8').catch(() => '[]');
  const plain = JSON.parse(text) as (Omit<Row, 'outcomes'> & { outcomes: [string, number][] })[];
  return plain.map((row) => ({ ...row, outcomes: new Map(row.outcomes) }));
}
