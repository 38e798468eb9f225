/**
 * IR-50, the visual backbone of RCMA and GRJCA, and a small network of its family.
 *
 *   image     [N, 40, 40, 3]    the middle of a 48-pixel crop
 *   input     [N, 40, 40, 64]
 *   body      3, 4, 14 and 3 units of 64, 128, 256 and 512 channels  →  [N, 5, 5, 512]
 *   output    [N, 512], of length 1
 *
 * Weights: `res50_ir_0.887.pth` of sucv/ABAW3, trained on MS-Celeb-1M and FER+. Its classifier is not used.
 */
import type {CropFormat, Network} from './network.js';
import type {IrOptions} from './ir.js';
import {irDeclaration, irForward} from './ir.js';

const PAPER = 'Deng et al., "ArcFace: Additive Angular Margin Loss for Deep Face Recognition", CVPR 2019';

const format = (resizeTo: number, size: number): CropFormat => ({
  kind: 'crop',
  resizeTo,
  size,
  mean: [127.5, 127.5, 127.5],
  std: [127.5, 127.5, 127.5],
});

const whole: IrOptions = {
  stages: [
    {channels: 64, count: 3},
    {channels: 128, count: 4},
    {channels: 256, count: 14},
    {channels: 512, count: 3},
  ],
  size: 40,
  dimension: 512,
};

/** Groups of the authors' protocol: parameters 4–9, 163–186 and 142–162 of their network. */
export const ir50: Network = {
  name: 'ir50',
  title: 'IR-50',
  paper: PAPER,
  format: format(48, 40),
  dimension: whole.dimension,
  groups: [['output_layer'], ['body.21', 'body.22', 'body.23'], ['body.18', 'body.19', 'body.20']],
  declare: () => irDeclaration(whole),
  forward: (scope, images) => irForward(whole, scope, images),
};

const small: IrOptions = {
  stages: [
    {channels: 8, count: 1},
    {channels: 16, count: 1},
    {channels: 32, count: 1},
  ],
  size: 20,
  dimension: 32,
};

/** Not published: three units, for tests and demonstrations on a CPU. */
export const irSmall: Network = {
  name: 'ir-small',
  title: 'IR of three units',
  paper: 'none; the family is that of IR-50',
  format: format(24, 20),
  dimension: small.dimension,
  groups: [['output_layer'], ['body.2'], ['body.1'], ['body.0', 'input_layer']],
  declare: () => irDeclaration(small),
  forward: (scope, images) => irForward(small, scope, images),
};
