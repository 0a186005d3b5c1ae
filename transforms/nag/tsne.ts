/**
 * Exact t-SNE in two dimensions (van der Maaten and Hinton 2008), with scikit-learn's schedule and constants: early
 * exaggeration 12 and momentum 0.5 for 250 steps, then momentum 0.8 from a standstill; learning rate max(n / 48, 50);
 * gains of at least 0.01.
 */
export interface Tsne {
  readonly n: number;
  /** p of each pair i < j, row by row; over all ordered pairs they sum to 1. */
  readonly affinities: Float64Array;
  /** [n × 2]: the solution so far. */
  readonly points: Float64Array;
  readonly gradient: Float64Array;
  readonly update: Float64Array;
  readonly gains: Float64Array;
  steps: number;
}

const exaggeration = 12;
const exaggeratedSteps = 250;
const smallest = Number.EPSILON;

/**
 * Before the first step. `distances` is [n × n] and not squared; `start` [n × 2] is where the points begin, best with
 * a standard deviation of 1e-4.
 */
export function createTsne(
  distances: Float64Array,
  n: number,
  perplexity: number,
  start: Float64Array,
): Tsne {
  return {
    n,
    affinities: affinities(distances, n, perplexity),
    points: start.slice(),
    gradient: new Float64Array(2 * n),
    update: new Float64Array(2 * n),
    gains: new Float64Array(2 * n).fill(1),
    steps: 0,
  };
}

/** One step of gradient descent. */
export function stepTsne(tsne: Tsne): void {
  if (tsne.steps === exaggeratedSteps) {
    tsne.update.fill(0);
    tsne.gains.fill(1);
  }
  const early = tsne.steps < exaggeratedSteps;
  computeGradient(tsne, early ? exaggeration : 1);
  const rate = Math.max(tsne.n / exaggeration / 4, 50);
  const momentum = early ? 0.5 : 0.8;
  const { points, gradient, update, gains } = tsne;
  for (let i = 0; i < points.length; i++) {
    const gain = update[i]! * gradient[i]! < 0 ? gains[i]! + 0.2 : gains[i]! * 0.8;
    gains[i] = Math.max(gain, 0.01);
    update[i] = momentum * update[i]! - rate * gains[i]! * gradient[i]!;
    points[i] = points[i]! + update[i]!;
  }
  tsne.steps++;
}

/** The Kullback–Leibler divergence that the steps make small: Σ p·ln(p/q) over ordered pairs, in nats. */
export function divergence({ n, points, affinities }: Tsne): number {
  const kernels = new Float64Array(affinities.length);
  let at = 0;
  for (let i = 0; i < n; i++) for (let j = i + 1; j < n; j++) kernels[at++] = kernel(points, i, j);
  const sum = 2 * kernels.reduce((total, w) => total + w, 0);
  return affinities.reduce(
    (total, p, pair) => total + 2 * p * Math.log(p / Math.max(kernels[pair]! / sum, smallest)),
    0,
  );
}

function kernel(points: Float64Array, i: number, j: number): number {
  const [dx, dy] = [points[2 * i]! - points[2 * j]!, points[2 * i + 1]! - points[2 * j + 1]!];
  return 1 / (1 + dx * dx + dy * dy);
}

/** 4·Σ_j (factor·p − w/Σw)·w·(y_i − y_j), w = 1/(1 + |y_i − y_j|²): repulsion is scaled at the end, when Σw is known. */
function computeGradient({ n, points, affinities, gradient }: Tsne, factor: number): void {
  const repulsion = new Float64Array(2 * n);
  gradient.fill(0);
  let [sum, at] = [0, 0];
  for (let i = 0; i < n; i++) {
    const [x, y] = [points[2 * i]!, points[2 * i + 1]!];
    let [ax, ay, rx, ry] = [0, 0, 0, 0];
    for (let j = i + 1; j < n; j++, at++) {
      const [dx, dy] = [x - points[2 * j]!, y - points[2 * j + 1]!];
      const w = 1 / (1 + dx * dx + dy * dy);
      sum += w;
      const pull = factor * affinities[at]! * w;
      const push = w * w;
      ax += pull * dx;
      ay += pull * dy;
      rx += push * dx;
      ry += push * dy;
      gradient[2 * j] = gradient[2 * j]! - pull * dx;
      gradient[2 * j + 1] = gradient[2 * j + 1]! - pull * dy;
      repulsion[2 * j] = repulsion[2 * j]! - push * dx;
      repulsion[2 * j + 1] = repulsion[2 * j + 1]! - push * dy;
    }
    gradient[2 * i] = gradient[2 * i]! + ax;
    gradient[2 * i + 1] = gradient[2 * i + 1]! + ay;
    repulsion[2 * i] = repulsion[2 * i]! + rx;
    repulsion[2 * i + 1] = repulsion[2 * i + 1]! + ry;
  }
  for (let i = 0; i < gradient.length; i++)
    gradient[i] = 4 * (gradient[i]! - repulsion[i]! / Math.max(2 * sum, smallest));
}

/** p of each pair: the mean of both documents' conditional ones, each of the given perplexity. */
function affinities(distances: Float64Array, n: number, perplexity: number): Float64Array {
  const conditional = new Float64Array(n * n);
  for (let i = 0; i < n; i++) setConditional(conditional, distances, n, i, Math.log(perplexity));
  const pairs = new Float64Array((n * (n - 1)) / 2);
  let at = 0;
  for (let i = 0; i < n; i++)
    for (let j = i + 1; j < n; j++) {
      const mean = (conditional[i * n + j]! + conditional[j * n + i]!) / (2 * n);
      pairs[at++] = Math.max(mean, smallest);
    }
  return pairs;
}

/** p(j | i) ∝ exp(−β·d²), with the β, found by bisection, that gives the row the wanted entropy in nats. */
function setConditional(
  out: Float64Array,
  distances: Float64Array,
  n: number,
  i: number,
  wanted: number,
): void {
  const row = out.subarray(i * n, (i + 1) * n);
  const squares = distances.slice(i * n, (i + 1) * n).map((d) => d * d);
  const nearest = squares.reduce((least, d, j) => (j === i ? least : Math.min(least, d)), Infinity);
  let [low, high, beta] = [0, Infinity, 1];
  for (let turn = 0; turn < 100; turn++) {
    const entropy = fillRow(row, squares, nearest, beta, i);
    if (Math.abs(entropy - wanted) <= 1e-5) return;
    if (entropy > wanted) low = beta;
    else high = beta;
    beta = high === Infinity ? beta * 2 : (low + high) / 2;
  }
}

/** Fills a row of conditional probabilities; its entropy in nats. Squares count from the nearest, so that nothing underflows. */
function fillRow(
  row: Float64Array,
  squares: Float64Array,
  nearest: number,
  beta: number,
  self: number,
): number {
  let [sum, weighted] = [0, 0];
  for (let j = 0; j < row.length; j++) {
    const square = squares[j]! - nearest;
    const p = j === self ? 0 : Math.exp(-beta * square);
    row[j] = p;
    sum += p;
    weighted += p === 0 ? 0 : p * square;
  }
  for (let j = 0; j < row.length; j++) row[j] = row[j]! / sum;
  return Math.log(sum) + (beta * weighted) / sum;
}
