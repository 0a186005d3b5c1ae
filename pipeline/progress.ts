import { leftOutRows, type StageStats } from './stats.js';

/** Where progress is shown: stderr, as a display where it is a terminal, otherwise as a line now and then. */
interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const displayMs = 250;
/** The first line comes soon, so that it is seen that something happens. */
const firstLineMs = 5_000;
const lineMs = 60_000;

/** Shows the stages' figures until `stop`. Notes are printed above. */
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
    const rows = [...stats.values()]
      .filter((stage) => stage.state !== 'waiting' || stage.doing !== undefined)
      .map((stage) => fit(stageLine(stage), screen.columns ?? 80));
    screen.write(rows.map((row) => `${row}\n`).join(''));
    shown = rows.length;
  };
  const timer = setInterval(draw, displayMs);
  timer.unref();
  return {
    note: (text: string) => {
      clear();
      screen.write(`note: ${text}\n`);
    },
    stop: () => {
      clearInterval(timer);
      clear();
    },
  };
}

function lines(name: string, stats: ReadonlyMap<string, StageStats>, screen: Screen) {
  const print = () => {
    const running = [...stats.values()].filter(
      (stage) => stage.doing !== undefined || (stage.state === 'running' && stage.kind !== 'sink'),
    );
    if (running.length > 0)
      screen.write(
        `${name}: ${running
          .map(stageLine)
          .map((line) => line.trim().replace(/ {2,}/g, ' '))
          .join(' | ')}\n`,
      );
  };
  let timer = setTimeout(function tick() {
    print();
    timer = setTimeout(tick, lineMs).unref();
  }, firstLineMs).unref();
  return {
    note: (text: string) => void screen.write(`note: ${text}\n`),
    stop: () => clearTimeout(timer),
  };
}

/** `extract+top_k   12,345 documents   98.2 documents/s   11,900 tokens/s   41 %   2 min left` */
function stageLine(stage: StageStats): string {
  if (stage.doing !== undefined) return `${stage.label.padEnd(18)}  ${stage.doing}`;
  const passed = stage.kind === 'combine' || stage.kind === 'sink' ? stage.rowsIn : stage.rowsOut;
  const rows = Math.max(passed, stage.worked);
  const seconds = Math.max(
    0.001,
    ((stage.state === 'done' ? stage.endedAt : Date.now()) - stage.startedAt) / 1000,
  );
  const tokens = stage.kind === 'transform' ? stage.figures.get('tokens') : undefined;
  const parts = [
    stage.label.padEnd(18),
    `${count(rows)} documents`.padStart(20),
    `${count(rows / seconds)}/s`.padStart(10),
  ];
  if (tokens !== undefined) parts.push(`${count(tokens / seconds)} tokens/s`);
  if (stage.state === 'done') parts.push('done');
  else if (stage.expected !== undefined && stage.expected > 0)
    parts.push(remaining(rows + leftOutRows(stage), stage.expected, seconds));
  return parts.join('  ');
}

function remaining(done: number, expected: number, seconds: number): string {
  const left = done > 0 && done < expected ? `, ${duration(((expected - done) / done) * seconds)} left` : '';
  return `${Math.min(100, Math.floor((100 * done) / expected))} %${left}`;
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
