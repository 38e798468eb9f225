/** All backbones that can be trained, by name. */
import {ir50, irSmall} from './ir50.js';
import type {Network} from './network.js';
import {resnet18, resnet18Audio} from './resnet18.js';
import {vggish, vggSmall} from './vggish.js';

const all: readonly Network[] = [ir50, resnet18, irSmall, vggish, resnet18Audio, vggSmall];

export const networks: Readonly<Record<string, Network>> = Object.fromEntries(all.map((one) => [one.name, one]));
