/** The people of the demo data set: how they look and sound. */
import type {Random} from '../../../stages/learning/random.js';

export interface Person {
  readonly skin: string;
  readonly shade: string;
  readonly hair: string;
  readonly hairstyle: (typeof hairstyles)[number];
  readonly lip: string;
  readonly iris: string;
  readonly clothes: string;
  readonly glasses: boolean;
  readonly beard: boolean;
  /** Half width of the face in units of its half height. */
  readonly faceWidth: number;
  readonly browWidth: number;
  readonly noseWidth: number;
  /** Pitch of the calm voice. */
  readonly pitchHz: number;
  /** Resonances relative to those of an average man: a shorter vocal tract has higher ones. */
  readonly formantScale: number;
  readonly loudnessDecibels: number;
}

const hairstyles = ['short', 'long', 'bun', 'cropped'] as const;
const skins = [
  ['#f1cdb0', '#d3a282'],
  ['#e6b997', '#c48f6b'],
  ['#d3a07a', '#ad7851'],
  ['#b98259', '#8f5f3d'],
  ['#8f6040', '#6a432a'],
  ['#6d4630', '#4c2f1f'],
] as const;
/** Darkest first: the darker half of the skins goes with the first three. */
const hairs = ['#241a14', '#3a2a1c', '#4a3428', '#5b3a21', '#8a5f33', '#b98d4f', '#6d6a68', '#7a3420'] as const;
const lips = ['#a8484a', '#b65c58', '#8e3f44', '#c0696a'] as const;
const irises = ['#4a3526', '#35526b', '#4d6a3c', '#5d5a50'] as const;
const fabrics = ['#445566', '#7a3b3b', '#3d5f46', '#8a7a55', '#2f2f38', '#6a5080'] as const;

/** Draws a person. Neighbouring numbers differ in skin and hairstyle, so that few subjects are already diverse. */
export function personOf(random: Random, subject: string, position: number): Person {
  const draw = random.stream(`person ${subject}`).at(0).uniform(12);
  const low = draw[0]! < 0.5;
  const tone = position % skins.length;
  const [skin, shade] = skins[tone]!;
  const hairstyle = hairstyles[(position + Math.floor(position / hairstyles.length)) % hairstyles.length]!;
  return {
    skin,
    shade,
    hair: pick(tone < skins.length / 2 ? hairs : hairs.slice(0, 3), draw[1]!),
    hairstyle,
    lip: pick(lips, draw[2]!),
    iris: pick(irises, draw[3]!),
    clothes: pick(fabrics, draw[4]!),
    glasses: draw[5]! < 0.3,
    beard: low && hairstyle !== 'bun' && draw[6]! < 0.5,
    faceWidth: 0.67 + 0.1 * draw[7]!,
    browWidth: 0.055 + 0.035 * draw[8]!,
    noseWidth: 0.12 + 0.06 * draw[9]!,
    pitchHz: (low ? 105 : 185) * (0.9 + 0.25 * draw[10]!),
    formantScale: (low ? 1 : 1.15) * (0.97 + 0.06 * draw[11]!),
    loudnessDecibels: -2 + 4 * draw[6]!,
  };
}

function pick(list: readonly string[], uniform: number): string {
  return list[Math.floor(uniform * list.length)]!;
}
