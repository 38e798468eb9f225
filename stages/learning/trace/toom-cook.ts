/**
 * Fast algorithms for short convolutions: y[i] = Σ_j x[i + j] g[j], i < outputs, j < taps, as y = Aᵀ ((B x) ⊙ (G g))
 * with fewer products than outputs · taps (Winograd, "Arithmetic Complexity of Computations", SIAM 1980, ch. III–IV).
 *
 * A product of polynomials is put together from its values at a few points (Toom and Cook) and from its remainder
 * modulo x² + 1, its value at i, whose complex product costs three real ones (Karatsuba). Transposing that algorithm
 * gives the convolution. The value at i costs one product more than two real points would, and spares the two largest
 * of them: over ten values the error in float32 falls to a fifth.
 */

export interface ShortConvolution {
  readonly taps: number;
  readonly outputs: number;
  /** Elements of x that the outputs read: outputs + taps − 1. */
  readonly inputs: number;
  readonly products: number;
  /** [products, outputs], [products, inputs] and [products, taps], in row-major order. */
  readonly a: Matrix;
  readonly b: Matrix;
  readonly g: Matrix;
}

export type Matrix = readonly (readonly number[])[];
/** Coefficients, the constant first. */
type Polynomial = readonly number[];

interface Points {
  readonly real: readonly number[];
  /** Whether the remainder modulo x² + 1 is used as well. */
  readonly imaginary: boolean;
}

/** Points for a count of inputs, infinity not listed: numbers of small size whose powers are exact. */
const POINTS: Readonly<Record<number, Points>> = {
  4: {real: [0, 1, -1], imaginary: false},
  6: {real: [0, 1, -1, 1 / 2, -2], imaginary: false},
  7: {real: [0, 1, -1, 2, 1 / 2, -3 / 4], imaginary: false},
  10: {real: [0, 1, -1, 2, -2, 1 / 2, -1 / 2], imaginary: true},
};

/** Counts of inputs for which there is an algorithm. */
export const TILE_SIZES: readonly number[] = Object.keys(POINTS).map(Number);

/** The convolution of one tap as itself. */
const single: ShortConvolution = {taps: 1, outputs: 1, inputs: 1, products: 1, a: [[1]], b: [[1]], g: [[1]]};

const algorithms = new Map<string, ShortConvolution>();

/** The algorithm that reads `inputs` elements at once, one of TILE_SIZES; taps < inputs. */
export function shortConvolution(taps: number, inputs: number): ShortConvolution {
  if (taps === 1) return single;
  const key = `${String(taps)} ${String(inputs)}`;
  const algorithm = algorithms.get(key) ?? algorithmOf(taps, inputs);
  algorithms.set(key, algorithm);
  return algorithm;
}

function algorithmOf(taps: number, inputs: number): ShortConvolution {
  const points = POINTS[inputs]!;
  const outputs = inputs - taps + 1;
  const b = interpolation(points);
  return {
    taps,
    outputs,
    inputs,
    products: b.length,
    a: evaluation(points, outputs),
    b,
    g: evaluation(points, taps),
  };
}

/** Rows that give the value of a polynomial of `length` coefficients at each point, then its leading coefficient. */
function evaluation({real, imaginary}: Points, length: number): Matrix {
  const powers = (of: (power: number) => number): number[] => Array.from({length}, (_, power) => of(power));
  const rows = real.map((point) => powers((power) => point ** power));
  if (imaginary) {
    const re = powers((power) => [1, 0, -1, 0][power % 4]!);
    const im = powers((power) => [0, 1, 0, -1][power % 4]!);
    rows.push(re, im, add(re, im) as number[]);
  }
  return [...rows, powers((power) => Number(power === length - 1))];
}

/** Row k: the polynomial by which product k enters the interpolated one (Chinese remainder theorem). */
function interpolation({real, imaginary}: Points): Matrix {
  const factors: Polynomial[] = [...real.map((point) => [-point, 1]), ...(imaginary ? [[1, 0, 1]] : [])];
  const without = (skipped: number): Polynomial =>
    factors.reduce((product, factor, at) => (at === skipped ? product : multiply(product, factor)), [1]);
  const rows = real.map((point, at) => scale(without(at), 1 / valueAt(without(at), point)));
  if (imaginary) rows.push(...imaginaryRows(without(factors.length - 1)));
  const whole = without(-1);
  return [...rows, whole].map((row) => Array.from(whole, (_, power) => row[power] ?? 0));
}

/** `rest` = u + v x modulo x² + 1: a remainder c + d x enters as rest (u − v x) (c + d x) / (u² + v²). */
function imaginaryRows(rest: Polynomial): Polynomial[] {
  const u = rest.reduce((sum, coefficient, power) => sum + coefficient * [1, 0, -1, 0][power % 4]!, 0);
  const v = rest.reduce((sum, coefficient, power) => sum + coefficient * [0, 1, 0, -1][power % 4]!, 0);
  const size = u * u + v * v;
  const c = multiply(rest, [u / size, -v / size]);
  const d = multiply(rest, [v / size, u / size]);
  // c = re re′ − im im′ and d = (re + im) (re′ + im′) − re re′ − im im′.
  return [add(c, scale(d, -1)), scale(add(c, d), -1), d];
}

function multiply(a: Polynomial, b: Polynomial): Polynomial {
  const product = Array.from({length: a.length + b.length - 1}, () => 0);
  for (const [i, x] of a.entries()) for (const [j, y] of b.entries()) product[i + j]! += x * y;
  return product;
}

const add = (a: Polynomial, b: Polynomial): Polynomial => a.map((x, power) => x + b[power]!);
const scale = (a: Polynomial, factor: number): Polynomial => a.map((x) => x * factor);
const valueAt = (a: Polynomial, point: number): number => a.reduceRight((sum, x) => sum * point + x, 0);

/** One matrix for both axes of an image: element (i, k), (j, l) is a[i][j] · b[k][l]. */
export function kronecker(a: Matrix, b: Matrix): Matrix {
  return a.flatMap((rowOfA) => b.map((rowOfB) => rowOfA.flatMap((x) => rowOfB.map((y) => x * y))));
}
