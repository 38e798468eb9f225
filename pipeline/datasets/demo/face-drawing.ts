/** Draws a face as SVG. Lengths are in half heights of the face; the origin is its centre, y points down. */
import type {Person} from './person.js';

export interface Expression {
  /** Mouth corners: -1 down … 1 up. */
  readonly smile: number;
  /** Opening of the mouth: 0 … 1. */
  readonly open: number;
  /** Eyebrows: -1 low … 1 raised. */
  readonly brow: number;
  /** Inner ends of the eyebrows drawn together: 0 … 1. */
  readonly furrow: number;
  /** Opening of the eyes: 0 closed … 1 wide. */
  readonly eye: number;
}

export interface Pose {
  /** Centre of the face, in pixels. */
  readonly x: number;
  readonly y: number;
  /** Height of the face, in pixels. */
  readonly height: number;
  readonly rollDegrees: number;
}

/** Head, neck and shoulders, placed in the picture. */
export function drawFace(person: Person, expression: Expression, pose: Pose): string {
  const place = `translate(${digits(pose.x)} ${digits(pose.y)}) rotate(${digits(pose.rollDegrees)}) scale(${digits(pose.height / 2)})`;
  return [
    `<g transform="${place}" stroke-linecap="round" stroke-linejoin="round">`,
    hairBehind(person),
    body(person),
    head(person),
    hairInFront(person),
    eye(person, expression, -1),
    eye(person, expression, 1),
    brow(person, expression, -1),
    brow(person, expression, 1),
    person.glasses ? glasses() : '',
    nose(person),
    mouth(person, expression),
    '</g>',
  ].join('');
}

function body({shade, clothes}: Person): string {
  return (
    `<path d="M-1.4 3.2Q-1.35 1.35 -.35 1.2L.35 1.2Q1.35 1.35 1.4 3.2Z" fill="${clothes}"/>` +
    `<path d="M-.28 .7L.28 .7L.32 1.25Q0 1.45 -.32 1.25Z" fill="${shade}"/>`
  );
}

function head({skin, shade, faceWidth: w, beard, hair}: Person): string {
  const ear = (side: number): string =>
    `<ellipse cx="${digits(side * w)}" cy=".02" rx=".09" ry=".17" fill="${shade}"/>`;
  const chin = `<path d="M${-w} .1Q${digits(-w * 0.95)} .85 0 1.03Q${digits(w * 0.95)} .85 ${w} .1Q${digits(w * 0.8)} .42 .3 .32Q0 .26 -.3 .32Q${digits(-w * 0.8)} .42 ${-w} .1Z" fill="${hair}" opacity=".75"/>`;
  return (
    ear(-1) +
    ear(1) +
    `<ellipse cy=".02" rx="${w}" ry="1" fill="${shade}"/>` +
    `<ellipse cy="-.01" rx="${digits(w * 0.95)}" ry=".97" fill="${skin}"/>` +
    (beard ? chin : '')
  );
}

function hairBehind({hair, hairstyle, faceWidth: w}: Person): string {
  const cap = `<ellipse cy="-.18" rx="${digits(w + 0.08)}" ry=".97" fill="${hair}"/>`;
  if (hairstyle === 'long')
    return `<path d="M${digits(-w - 0.12)} 1.1Q${digits(-w - 0.3)} -1.2 0 -1.18Q${digits(w + 0.3)} -1.2 ${digits(w + 0.12)} 1.1Z" fill="${hair}"/>`;
  if (hairstyle === 'bun') return `<circle cy="-1.2" r=".28" fill="${hair}"/>${cap}`;
  return hairstyle === 'cropped' ? `<ellipse cy="-.4" rx="${digits(w + 0.01)}" ry=".72" fill="${hair}"/>` : cap;
}

function hairInFront({hair, hairstyle, faceWidth: w}: Person): string {
  const sides = digits(w + 0.02);
  const line = hairstyle === 'cropped' ? -0.86 : hairstyle === 'bun' ? -0.84 : -0.7;
  return (
    `<path d="M-${sides} -.3Q${digits(-w * 0.85)} ${line} 0 ${line}Q${digits(w * 0.85)} ${line} ${sides} -.3` +
    `Q${sides} -1.14 0 -1.14Q-${sides} -1.14 -${sides} -.3Z" fill="${hair}"/>`
  );
}

function eye({iris, skin, shade}: Person, {eye: opening}: Expression, side: number): string {
  const height = 0.02 + 0.12 * opening;
  const radius = Math.min(0.11, height);
  return (
    `<g transform="translate(${side * 0.33} -.16)">` +
    `<ellipse rx=".21" ry="${digits(height + 0.05)}" fill="${shade}"/><ellipse cy="-.04" rx=".2" ry="${digits(height + 0.03)}" fill="${skin}"/>` +
    `<ellipse rx=".19" ry="${digits(height)}" fill="#f7f5f2" stroke="#35241b" stroke-width=".045"/>` +
    `<circle r="${digits(radius)}" fill="${iris}"/><circle r="${digits(radius * 0.5)}" fill="#0a0a0a"/>` +
    `</g>`
  );
}

function brow({hair, browWidth}: Person, {brow: raised, furrow}: Expression, side: number): string {
  const y = -0.4 - 0.11 * raised;
  const inner = digits(y + 0.09 * furrow - 0.02 * raised);
  const outer = digits(y + 0.05 - 0.05 * furrow);
  return `<path d="M${digits(side * (0.12 - 0.03 * furrow))} ${inner}Q${side * 0.34} ${digits(y - 0.09)} ${side * 0.56} ${outer}" stroke="${hair}" stroke-width="${digits(browWidth)}" fill="none"/>`;
}

function glasses(): string {
  return (
    '<g fill="none" stroke="#2a2522" stroke-width=".032"><circle cx="-.33" cy="-.15" r=".265"/><circle cx=".33" cy="-.15" r=".265"/>' +
    '<path d="M-.07 -.17Q0 -.22 .07 -.17M-.59 -.18L-.7 -.22M.59 -.18L.7 -.22" fill="none"/></g>'
  );
}

function nose({shade, noseWidth: w}: Person): string {
  return (
    `<path d="M-.04 -.12Q-.1 .1 ${digits(-w)} .2Q0 .3 ${digits(w)} .2" stroke="${shade}" stroke-width=".05" fill="none"/>` +
    `<circle cx="-.06" cy=".22" r=".026" fill="#5c382a"/><circle cx=".06" cy=".22" r=".026" fill="#5c382a"/>`
  );
}

/** Lips around the mouth's inside; teeth show where it is open. */
function mouth({lip}: Person, {smile, open}: Expression): string {
  const half = 0.29 + 0.07 * smile - 0.03 * open;
  const corner = 0.53 - 0.15 * smile;
  const upper = 0.53 + 0.13 * smile - 0.1 * open;
  const lower = 0.6 + 0.15 * smile + 0.42 * open;
  const outline = `M${digits(-half)} ${digits(corner)}Q0 ${digits(upper)} ${digits(half)} ${digits(corner)}Q0 ${digits(lower)} ${digits(-half)} ${digits(corner)}Z`;
  const teeth = `<path d="M${digits(-half * 0.7)} ${digits(corner + 0.01)}Q0 ${digits(upper + 0.02)} ${digits(half * 0.7)} ${digits(corner + 0.01)}Q0 ${digits(upper + 0.1)} ${digits(-half * 0.7)} ${digits(corner + 0.01)}Z" fill="#f2eee6"/>`;
  const inside = open > 0.12 ? '#4a1518' : lip;
  return `<path d="${outline}" fill="${inside}" stroke="${lip}" stroke-width=".06"/>${open > 0.2 ? teeth : ''}`;
}

/** Three digits are a tenth of a pixel in a face of 200 pixels. */
function digits(value: number): string {
  return String(Math.round(value * 1000) / 1000);
}
