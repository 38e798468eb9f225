/**
 * Convolutions with stride 1 as fewer products (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks",
 * CVPR 2016, with the algorithms of `toom-cook.ts`). The positions of an image fall into tiles; one small matrix maps
 * each tile of each channel to `products` numbers, another the filter, a batch of products mixes the channels, and a
 * third small matrix maps the results to the outputs of the tile:
 *
 *     y = Aᵀ [(B x) (G g)]        dg = Gᵀ [(A dy)ᵀ (B x)]        dx: the convolution of dy with the turned filter
 *
 * An image is mapped along one axis after the other. With a dilation d, positions d apart form one tile.
 * Tiles are gathered as rows of channels from an image with channels last; B x serves y and dg alike.
 */
import type {Graph, Value} from './graph.js';
import {concatenate, matmul, reshape, transpose} from './operations.js';
import type {Form} from './fast-form.js';
import {range} from './image-geometry.js';
import type {Tiling} from './tiling.js';
import {kronecker} from './toom-cook.js';
import type {Matrix, ShortConvolution} from './toom-cook.js';

/** y [batch, rows, columns, out] of x [batch, rows, columns, in] and a filter [taps, taps, in, out]. */
export function fastConvolve(x: Value, filter: Value, form: Form): Value {
  const maps = new Maps(x.graph, x.shape[0]!, form);
  return maps.outputs(matmul(maps.inputs(x), maps.filter(filter, 'g'), {transposeA: false, transposeB: true}));
}

/** The gradient of x, with the form of the turned convolution. */
export function fastInputGradient(dy: Value, filter: Value, form: Form): Value {
  const maps = new Maps(dy.graph, dy.shape[0]!, form);
  return maps.outputs(matmul(maps.inputs(dy), maps.filter(filter, 'turned g')));
}

/** The gradient of the filter [taps, taps, in, out]. */
export function fastFilterGradient(x: Value, dy: Value, form: Form): Value {
  const maps = new Maps(x.graph, x.shape[0]!, form);
  return maps.filterGradient(matmul(maps.outputGradient(dy), maps.inputs(x), {transposeA: true, transposeB: false}));
}

/** The elements of a tile along one axis, the first tile beginning `before` the image. */
interface Part {
  readonly elements: number;
  readonly before: number;
}

/** The maps of a form. What they make or take as products has one matrix for each product. */
class Maps {
  readonly #name: string;

  constructor(
    readonly graph: Graph,
    readonly batch: number,
    readonly form: Form,
  ) {
    const sizes = form.map(({axis, size}) => [size, ...Object.values(axis)].join());
    this.#name = `${String(batch)} ${sizes.join(' ')}`;
  }

  /** B x: [products, tiles, channels] */
  inputs(x: Value): Value {
    return this.#mapped(x, 'b', ({axis, algorithm}) => ({elements: algorithm.inputs, before: axis.before}));
  }

  /** A dy: [products, tiles, channels] */
  outputGradient(dy: Value): Value {
    return this.#mapped(dy, 'a', ({algorithm}) => ({elements: algorithm.outputs, before: 0}));
  }

  /** G g: [products, out, in], with the taps reversed for 'turned g'. */
  filter(filter: Value, map: 'g' | 'turned g'): Value {
    const [rows = 0, columns = 0, inChannels = 0, outChannels = 0] = filter.shape;
    const taps = reshape(transpose(filter, [3, 2, 0, 1]), [outChannels * inChannels, rows * columns]);
    const products = matmul(this.#filterMap(map), taps, {transposeA: false, transposeB: true});
    return reshape(products, [products.shape[0]!, outChannels, inChannels]);
  }

  /** Aᵀ of products [products, tiles, channels]: an image. */
  outputs(products: Value): Value {
    const [count = 0, tiles = 0, channels = 0] = products.shape;
    const tilewise = this.#alongAxes('transposed a', reshape(products, [count, tiles * channels]));
    const [rows, columns] = this.form;
    const places = (): Int32Array => this.#outputRows();
    const image = this.#gather(reshape(tilewise, [tilewise.shape[0]! * tiles, channels]), 'outputs', places);
    return reshape(image, [this.batch, rows.axis.outputs, columns.axis.outputs, channels]);
  }

  /** Gᵀ of products [products, out, in]: a filter [taps, taps, in, out]. */
  filterGradient(products: Value): Value {
    const [count = 0, outChannels = 0, inChannels = 0] = products.shape;
    const flat = reshape(products, [count, outChannels * inChannels]);
    const taps = matmul(flat, this.#filterMap('g'), {transposeA: true, transposeB: false});
    const [rows, columns] = this.form.map(({axis}) => axis.taps) as [number, number];
    return transpose(reshape(taps, [outChannels, inChannels, rows, columns]), [2, 3, 1, 0]);
  }

  /** Tiles of an image with some elements each, mapped to products by a matrix. */
  #mapped(image: Value, map: 'a' | 'b', partOf: (tiling: Tiling) => Part): Value {
    const [, height = 0, width = 0, channels = 0] = image.shape;
    const parts = this.form.map(partOf) as [Part, Part];
    const pixels = reshape(image, [this.batch * height * width, channels]);
    // Whatever lies outside the image is read from a row of zeros behind it.
    const rows = concatenate([pixels, this.graph.uniform(0, [1, channels], image.dtype)], 0);
    const found = this.#gather(rows, map, () => this.#tileRows(parts, [height, width]));
    const elements = parts[0].elements * parts[1].elements;
    const tiles = found.shape[0]! / elements;
    const products = this.#alongAxes(map, reshape(found, [elements, tiles * channels]));
    return reshape(products, [products.shape[0]!, tiles, channels]);
  }

  /** Maps the rows of a matrix, which stand for two axes, one axis after the other. */
  #alongAxes(map: 'a' | 'transposed a' | 'b', x: Value): Value {
    const [first, second] = this.form.map(({algorithm}) => mapOf(algorithm, map)) as [Matrix, Matrix];
    const [inner, width] = [second[0]!.length, x.shape[1]!];
    const one = isIdentity(first)
      ? x
      : matmul(this.#constant(`${map} rows`, first), reshape(x, [first[0]!.length, inner * width]));
    const both = isIdentity(second)
      ? one
      : matmul(this.#constant(`${map} columns`, second), reshape(one, [first.length, inner, width]));
    return reshape(both, [first.length * second.length, width]);
  }

  /** Rows of an image of the given size, for each element of a tile those of all tiles. */
  #tileRows(parts: readonly [Part, Part], [height, width]: readonly [number, number]): Int32Array {
    const [rows, columns] = this.form;
    const elements = parts[0].elements * parts[1].elements;
    const found = new Int32Array(elements * this.batch * rows.tiles * columns.tiles);
    const zeros = this.batch * height * width;
    let at = 0;
    for (let element = 0; element < elements; element++) {
      const ys = range(rows.tiles).map((tile) => {
        return rows.position(tile, Math.floor(element / parts[1].elements)) - parts[0].before;
      });
      const xs = range(columns.tiles).map((tile) => {
        return columns.position(tile, element % parts[1].elements) - parts[1].before;
      });
      for (let image = 0; image < this.batch; image++) {
        for (const y of ys) {
          for (const x of xs) {
            const inside = y >= 0 && y < height && x >= 0 && x < width;
            found[at++] = inside ? (image * height + y) * width + x : zeros;
          }
        }
      }
    }
    return found;
  }

  /** Rows of the tiles' outputs, in the order of the image. */
  #outputRows(): Int32Array {
    const [rows, columns] = this.form;
    const found = new Int32Array(this.batch * rows.axis.outputs * columns.axis.outputs);
    const ys = range(rows.axis.outputs).map((y) => rows.placeOf(y));
    const xs = range(columns.axis.outputs).map((x) => columns.placeOf(x));
    let at = 0;
    for (let image = 0; image < this.batch; image++) {
      for (const row of ys) {
        for (const column of xs) {
          const element = row.element * columns.algorithm.outputs + column.element;
          found[at++] = ((element * this.batch + image) * rows.tiles + row.tile) * columns.tiles + column.tile;
        }
      }
    }
    return found;
  }

  #gather(rows: Value, name: string, places: () => Int32Array): Value {
    const indices = this.graph.named(`${this.#name} ${name}`, () => {
      const found = places();
      return this.graph.constant(found, [found.length], 'int32');
    });
    const shape = [indices.shape[0]!, rows.shape[1]!];
    return this.graph.node('Gather', [rows, indices], {shape, dtype: rows.dtype}, {axis: 0});
  }

  /** G of both axes at once: the filter is small beside the images. */
  #filterMap(map: 'g' | 'turned g'): Value {
    const [rows, columns] = this.form.map(({algorithm}) => mapOf(algorithm, map)) as [Matrix, Matrix];
    return this.#constant(map, kronecker(rows, columns));
  }

  #constant(name: string, matrix: Matrix): Value {
    return this.graph.named(`${this.#name} ${name}`, () =>
      this.graph.constant(Float32Array.from(matrix.flat()), [matrix.length, matrix[0]!.length], 'float32'),
    );
  }
}

function mapOf({a, b, g}: ShortConvolution, map: 'a' | 'transposed a' | 'b' | 'g' | 'turned g'): Matrix {
  if (map === 'transposed a') return a[0]!.map((_, at) => a.map((row) => row[at]!));
  return map === 'turned g' ? g.map((row) => row.toReversed()) : {a, b, g}[map];
}

const isIdentity = (matrix: Matrix): boolean => matrix.length === 1 && matrix[0]!.length === 1 && matrix[0]![0] === 1;
