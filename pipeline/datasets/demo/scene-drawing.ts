/** Draws one video frame as SVG: a room, whoever is in it, and the light on them. */
import type {Random} from '../../../stages/learning/random.js';
import type {Course} from './feeling.js';
import {smoothCourse} from './feeling.js';
import type {Expression, Pose} from './face-drawing.js';
import {drawFace} from './face-drawing.js';
import type {Person} from './person.js';

export const frameWidth = 320;
export const frameHeight = 240;

export interface Scene {
  readonly background: string;
  readonly light: Course;
  /** Which side the light comes from: -1 … 1. */
  readonly lightSide: number;
  readonly pose: (timeSeconds: number) => Pose;
}

const walls = ['#8a93a0', '#b9b2a3', '#6f7f78', '#a58d7f', '#55606e', '#c9c4ba', '#7d6f86'] as const;
const things = ['#5a4632', '#3d4f5f', '#7d5a50', '#4c5a45', '#d8d2c4'] as const;

/** Draws room, place, size and light of a clip, and how they drift. */
export function sceneOf(random: Random, clip: string): Scene {
  const draw = random.stream(`${clip} scene`).at(0).uniform(16);
  const drift = (name: string): Course => smoothCourse(random, `${clip} ${name}`);
  const [x, y, size, roll] = [drift('x'), drift('y'), drift('size'), drift('roll')];
  const light = drift('light');
  const centre = {x: 160 + 50 * (draw[0]! - 0.5), y: 118 + 12 * (draw[1]! - 0.5), height: 102 + 32 * draw[2]!};
  return {
    background: background(draw.subarray(4)),
    light: (t) => Math.min(0.3, Math.max(-0.3, 0.25 * (draw[3]! - 0.6) + 0.06 * light(t))),
    lightSide: 2 * draw[4]! - 1,
    pose: (t) => ({
      x: centre.x + 7 * bounded(x(t)),
      y: centre.y + 4 * bounded(y(t)),
      height: centre.height * (1 + 0.04 * bounded(size(t))),
      rollDegrees: 4 * bounded(roll(t)),
    }),
  };
}

/** One frame; without a face the person has left the picture. */
export function drawScene(
  scene: Scene,
  person: Person,
  timeSeconds: number,
  expression: Expression | undefined,
): string {
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${frameWidth}" height="${frameHeight}">` +
    scene.background +
    (expression ? drawFace(person, expression, scene.pose(timeSeconds)) : '') +
    lightOn(scene, timeSeconds) +
    '</svg>'
  );
}

function lightOn({light, lightSide}: Scene, timeSeconds: number): string {
  const level = light(timeSeconds);
  const colour = level < 0 ? '#000' : '#fff';
  const [from, to] = lightSide < 0 ? ['1', '0'] : ['0', '1'];
  return (
    `<linearGradient id="l" x1="${from}" x2="${to}"><stop stop-opacity="${(0.35 * Math.abs(lightSide)).toFixed(3)}"/><stop offset=".7" stop-opacity="0"/></linearGradient>` +
    `<rect width="100%" height="100%" fill="${colour}" opacity="${Math.abs(level).toFixed(3)}"/>` +
    `<rect width="100%" height="100%" fill="url(#l)"/>`
  );
}

/** A wall, and two things on it. */
function background(draw: Float32Array): string {
  const wall = walls[Math.floor(draw[0]! * walls.length)]!;
  const thing = (at: number): string => {
    const [x, y, width, height] = [
      draw[at]! * 260,
      draw[at + 1]! * 120,
      30 + 60 * draw[at + 2]!,
      30 + 60 * draw[at + 3]!,
    ];
    const fill = things[Math.floor(draw[at + 1]! * things.length)]!;
    return `<rect x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${width.toFixed(1)}" height="${height.toFixed(1)}" fill="${fill}" opacity=".8"/>`;
  };
  return `<rect width="100%" height="100%" fill="${wall}"/>${thing(1)}${thing(5)}`;
}

const bounded = (value: number): number => Math.max(-2, Math.min(2, value));
