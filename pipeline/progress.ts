import { busySeconds } from './busy.js';
import { leftOutRows, type StageStats } from './stats.js';

/** Where progress is shown: stderr, as a display where it is a terminal, otherwise as a line now and then. */
export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

const displayMs = 250;
/** Lines that can be followed while they change. */
const mostLines = 12;
/** Stages in a line of a log. */
const mostInLine = 6;
/** The first line comes soon, so that it is seen that something happens. */
const firstLineMs = 5_000;
const lineMs = 60_000;

/** Shows the stages' figures until `stop`. What is said stands above. */
export function showProgress(name: string, stats: ReadonlyMap<string, StageStats>, screen: Screen) {
  return screen.isTTY ? display(stats, screen) : lines(name, stats, screen);
}

function display(stats: ReadonlyMap<string, StageStats>, screen: Screen) {
  let shown = 0;
  const clear = () => {
    if (shown > 0) screen.write(`\x1b[${shown}A\x1b[0J`);
    shown = 0;
  };
  const draw = () => {
    clear();
    const most = Math.min(mostLines, (screen.rows ?? 24) - 1);
    const rows = displayLines([...stats.values()], most).map((line) => fit(line, screen.columns ?? 80));
    screen.write(rows.map((row) => `${row}\n`).join(''));
    shown = rows.length;
  };
  const timer = setInterval(draw, displayMs);
  timer.unref();
  return {
    say: (text: string) => {
      clear();
      screen.write(`${text}\n`);
    },
    stop: () => {
      clearInterval(timer);
      clear();
    },
  };
}

/**
 * Stages that have begun, in the order of the file. Where they are more than fit, those that are done and those with the
 * least work are folded into the last line.
 */
function displayLines(stages: readonly StageStats[], most: number): string[] {
  const begun = stages.filter((stage) => stage.state !== 'waiting' || stage.doing !== undefined);
  if (begun.length <= most) return begun.map(stageLine);
  const running = begun.filter((stage) => stage.state !== 'done');
  const shown = busiest(running, Math.max(1, most - 1));
  const numbers = [
    [begun.length - running.length, 'done'],
    [running.length - shown.length, 'running'],
    [stages.length - begun.length, 'waiting'],
  ] as const;
  const folded = numbers.flatMap(([number, state]) => (number > 0 ? [`${number} ${state}`] : []));
  return [...shown.map(stageLine), `other stages: ${folded.join(', ')}`];
}

/** Those that have worked most, in the order in which they are given. */
function busiest(stages: readonly StageStats[], most: number): StageStats[] {
  const now = performance.now();
  const work = ({ doing, busy }: StageStats) => (doing === undefined ? busySeconds(busy, now) : Infinity);
  const first = new Set([...stages].sort((a, b) => work(b) - work(a)).slice(0, most));
  return stages.filter((stage) => first.has(stage));
}

function lines(name: string, stats: ReadonlyMap<string, StageStats>, screen: Screen) {
  const stop = nowAndThen(() => {
    const working = [...stats.values()].filter(isWorking);
    const shown = busiest(working, mostInLine);
    if (working.length > 0)
      screen.write(
        `${name}: ${[
          ...shown.map(stageLine),
          ...(working.length > shown.length ? [`${working.length - shown.length} more`] : []),
        ]
          .map((line) => line.trim().replace(/ {2,}/g, ' '))
          .join(' | ')}\n`,
      );
  });
  return { say: (text: string) => void screen.write(`${text}\n`), stop };
}

/** Calls soon and then once a minute, until what it returns is called. */
export function nowAndThen(tell: () => void): () => void {
  let timer = setTimeout(function tick() {
    tell();
    timer = setTimeout(tick, lineMs).unref();
  }, firstLineMs).unref();
  return () => clearTimeout(timer);
}

/** Whether progress has something to say of it. */
export function isWorking({ doing, state, kind }: StageStats): boolean {
  return doing !== undefined || (state === 'running' && kind !== 'sink');
}

/** How far a stage is, in rows, and how fast, a second; percent of the rows that will come, where that is known. */
export function paceOf(stage: StageStats, now: number) {
  const passed = stage.kind === 'combine' || stage.kind === 'sink' ? stage.rowsIn : stage.rowsOut;
  const rows = Math.max(passed, stage.worked);
  const seconds = Math.max(0.001, ((stage.state === 'done' ? stage.endedAt : now) - stage.startedAt) / 1000);
  const tokens = stage.kind === 'transform' ? stage.figures.get('tokens') : undefined;
  const { expected = 0, state } = stage;
  const done = rows + leftOutRows(stage);
  return {
    rows,
    rowRate: rows / seconds,
    tokenRate: tokens === undefined ? undefined : tokens / seconds,
    percent:
      state === 'done' || expected === 0 ? undefined : Math.min(100, Math.floor((100 * done) / expected)),
    secondsLeft: done > 0 && done < expected ? ((expected - done) / done) * seconds : undefined,
  };
}

/** `extract+top_k   12,345 documents   98.2 documents/s   11,900 tokens/s   41 %, 2 min left` */
function stageLine(stage: StageStats): string {
  if (stage.doing !== undefined) return `${stage.label.padEnd(18)}  ${stage.doing}`;
  const { rows, rowRate, tokenRate, percent, secondsLeft } = paceOf(stage, performance.now());
  const parts = [
    stage.label.padEnd(18),
    `${count(rows)} documents`.padStart(20),
    `${count(rowRate)}/s`.padStart(10),
  ];
  if (tokenRate !== undefined) parts.push(`${count(tokenRate)} tokens/s`);
  if (stage.state === 'done') parts.push('done');
  else if (percent !== undefined)
    parts.push(`${percent} %${secondsLeft === undefined ? '' : `, ${duration(secondsLeft)} left`}`);
  return parts.join('  ');
}

/** `1 h 5 min`, `12 min`, `34 s` */
export function duration(seconds: number): string {
  if (seconds < 90) return `${seconds < 10 ? seconds.toFixed(1) : seconds.toFixed(0)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** `1,234,567`; small numbers with a decimal, those below 1 with two digits that say something. */
export function count(value: number): string {
  const digits =
    value > 0 && value < 1 ? { maximumSignificantDigits: 2 } : { maximumFractionDigits: value < 10 ? 1 : 0 };
  return value.toLocaleString('en-US', digits);
}

function fit(line: string, width: number): string {
  return line.length < width ? line : line.slice(0, Math.max(0, width - 1));
}
