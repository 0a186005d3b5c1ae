import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { normal, seededRandom } from '../../transforms/nag/seeded-random.js';

/** Principal components of n rows. */
export interface Principal {
  /** [n × axes], the axis of largest variance first; each axis points to where its largest coordinate is positive. */
  readonly scores: Float64Array;
  /** Share of the whole variance that each axis has. */
  readonly shares: Float64Array;
}

/**
 * PCA from the rows' inner products `gram` [n × n], which is cheap however wide the rows are. Eigenvectors of the centred
 * matrix come from the Lanczos method with full reorthogonalization (Golub and Van Loan, Matrix Computations, 10.3).
 */
export function principal(gram: Float64Array, n: number, axes: number): Principal {
  const matrix = centred(gram, n);
  const { values, vectors } = leading(matrix, n, Math.min(axes, n));
  const trace = Array.from({ length: n }, (_, i) => matrix[i * n + i]!).reduce((sum, x) => sum + x, 0);
  const scores = new Float64Array(n * axes);
  const shares = new Float64Array(axes);
  for (const [axis, vector] of vectors.entries()) {
    const variance = values[axis]! > trace * 1e-12 ? values[axis]! : 0;
    const largest = vector.reduce((most, x) => (Math.abs(x) > Math.abs(most) ? x : most), 0);
    const scale = Math.sqrt(variance) * (largest < 0 ? -1 : 1);
    for (let i = 0; i < n; i++) scores[i * axes + axis] = vector[i]! * scale;
    shares[axis] = variance === 0 ? 0 : variance / trace;
  }
  return { scores, shares };
}

/** Inner products of the rows less their mean: rows and columns sum to 0. */
function centred(gram: Float64Array, n: number): Float64Array {
  const means = new Float64Array(n);
  for (let i = 0; i < n; i++) means[i] = gram.subarray(i * n, (i + 1) * n).reduce((sum, x) => sum + x, 0) / n;
  const mean = means.reduce((sum, x) => sum + x, 0) / n;
  return gram.map((x, at) => x - means[Math.floor(at / n)]! - means[at % n]! + mean);
}

interface Eigen {
  readonly values: readonly number[];
  readonly vectors: readonly Float64Array[];
}

/** The largest eigenvalues of a symmetric matrix without negative ones, and their vectors. */
function leading(matrix: Float64Array, n: number, count: number): Eigen {
  const draw = normal(seededRandom(1));
  const basis: Float64Array[] = [];
  const [diagonal, beside]: [number[], number[]] = [[], []];
  let next = orthogonal(new Float64Array(n).map(draw), basis);
  for (let checkAt = Math.min(n, 2 * count + 20); ; checkAt = Math.min(n, Math.ceil(checkAt * 1.3))) {
    while (basis.length < checkAt) {
      basis.push(scaled(next, 1 / length(next)));
      const image = product(matrix, basis.at(-1)!);
      diagonal.push(dot(image, basis.at(-1)!));
      const rest = orthogonal(image, basis);
      // Where nothing is left, the vectors so far contain all their images, and another start finds the others.
      const exhausted = length(rest) <= 1e-12 * (Math.abs(diagonal[0]!) + length(image));
      beside.push(exhausted ? 0 : length(rest));
      next = exhausted ? orthogonal(new Float64Array(n).map(draw), basis) : rest;
    }
    const found = ritz(diagonal, beside, count);
    if (basis.length === n || found.residual <= 1e-10 * found.values[0]!)
      return { values: found.values, vectors: found.weights.map((weights) => combined(basis, weights)) };
  }
}

/** Eigenvalues within the span of the basis, largest first, and how far the worst is from one of the whole matrix. */
function ritz(diagonal: readonly number[], beside: readonly number[], count: number) {
  const size = diagonal.length;
  const small = Matrix.zeros(size, size);
  for (const [i, value] of diagonal.entries()) {
    small.set(i, i, value);
    if (i + 1 < size) small.set(i, i + 1, beside[i]!).set(i + 1, i, beside[i]!);
  }
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(small, {
    assumeSymmetric: true,
  });
  const order = [...realEigenvalues.keys()]
    .sort((a, b) => realEigenvalues[b]! - realEigenvalues[a]!)
    .slice(0, count);
  const weights = order.map((i) => eigenvectorMatrix.getColumn(i));
  const residual = Math.max(...weights.map((column) => Math.abs(column.at(-1)! * beside.at(-1)!)));
  return { values: order.map((i) => realEigenvalues[i]!), weights, residual };
}

/** What of a vector is at right angles to all of a basis; twice, as once leaves rounding. */
function orthogonal(vector: Float64Array, basis: readonly Float64Array[]): Float64Array {
  const out = vector.slice();
  for (let turn = 0; turn < 2; turn++)
    for (const unit of basis) {
      const along = dot(out, unit);
      for (let i = 0; i < out.length; i++) out[i] = out[i]! - along * unit[i]!;
    }
  return out;
}

function product(matrix: Float64Array, vector: Float64Array): Float64Array {
  const n = vector.length;
  return vector.map((_, i) => dot(matrix.subarray(i * n, (i + 1) * n), vector));
}

function combined(basis: readonly Float64Array[], weights: readonly number[]): Float64Array {
  const out = new Float64Array(basis[0]!.length);
  for (const [b, unit] of basis.entries())
    for (let i = 0; i < out.length; i++) out[i] = out[i]! + weights[b]! * unit[i]!;
  return out;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function length(vector: Float64Array): number {
  return Math.sqrt(dot(vector, vector));
}

function scaled(vector: Float64Array, factor: number): Float64Array {
  return vector.map((x) => x * factor);
}
