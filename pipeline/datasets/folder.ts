/**
 * Plain folders: videos, annotations and (optionally) transcripts whose file names agree up to the extension.
 * Annotations x_left and x_right of a video x, or x and one of them, are clips of the two people in it.
 * Annotation folders named like Train_Set and Validation_Set give the official partition (Aff-Wild2's layout).
 */
import {existsSync, readFileSync, readdirSync} from 'node:fs';
import path from 'node:path';
import {z} from 'zod';
import {counted} from '../counted.js';
import {UsageError} from '../errors.js';
import type {Clip, Dataset, Modality, Side} from './dataset.js';

const VIDEO_EXTENSIONS = ['.mp4', '.avi', '.mkv', '.mov', '.webm', '.m4v', '.mpg', '.mpeg', '.wmv'];
const ANNOTATION_EXTENSIONS = ['.txt', '.csv', '.tsv'];
const TRANSCRIPT_EXTENSIONS = ['.vtt', '.srt', '.json'];
const FEATURE_EXTENSIONS = ['.npy', '.csv', '.parquet', '.arrow', '.feather'];
const MODALITIES = ['visual', 'acoustic', 'linguistic'] as const satisfies readonly Modality[];

const featureFolder = (stage: string) =>
  z
    .string()
    .optional()
    .describe(`Folder of <clip>.npy, .csv, .parquet or .arrow, read with stages.${stage}.backbone: own.`);

export const folderDataset = z.strictObject({
  kind: z.literal('folder').default('folder'),
  videos: z
    .string({
      error: 'expected a folder; frames, their times and the sound come from the videos, also beside croppedAligned',
    })
    .describe('Folder of the videos, relative to the experiment file; searched recursively.'),
  annotations: z.string().describe('Folder of the annotations: <clip>.txt or <clip>.csv.'),
  transcripts: z.string().optional().describe('Folder of transcripts: <clip>.vtt, .srt or .json. May lack some clips.'),
  croppedAligned: z
    .union([z.string(), z.array(z.string()).min(1)])
    .transform((folders) => (typeof folders === 'string' ? [folders] : folders))
    .optional()
    .describe(
      'One or more folders of published face images, <clip>/00001.jpg for the first frame and so on; read with stages.face-alignment.source: cropped-aligned.',
    ),
  features: z
    .strictObject({
      visual: featureFolder('visual-embedding'),
      acoustic: featureFolder('acoustic-embedding'),
      linguistic: featureFolder('text-embedding'),
    })
    .default({})
    .describe('Features made with other programs, one file per clip.'),
  subjects: z
    .string()
    .optional()
    .describe('CSV file with the header clip,subject. Where absent, each clip is a subject of its own.'),
  unannotated: z.enum(['error', 'skip']).default('error').describe('What to do with videos that have no annotation.'),
  test: z
    .string()
    .optional()
    .describe(
      'File that lists the clips of the test part, a name per line: they need no annotation and stand in no fold.',
    ),
  exclude: z.array(z.string()).default([]).describe('Clips to leave out, by name.'),
});

export type FolderDataset = z.output<typeof folderDataset>;

/** Finds the clips of a folder data set, sorted by name. */
export function readFolderDataset(config: FolderDataset, base: string): Dataset {
  const files = filesByStem(resolveFolder(config.videos, base, 'dataset.videos'), VIDEO_EXTENSIONS);
  const annotations = filesByStem(
    resolveFolder(config.annotations, base, 'dataset.annotations'),
    ANNOTATION_EXTENSIONS,
  );
  const test = config.test === undefined ? [] : readTestList(path.resolve(base, config.test));
  const known = new Set([...annotations.keys(), ...test]);
  const sides = sidesOf(known, files);
  const videos = videosOfClips(files, known, sides);
  checkTestList(test, videos);
  const transcripts =
    config.transcripts === undefined
      ? new Map<string, string>()
      : filesByStem(resolveFolder(config.transcripts, base, 'dataset.transcripts'), TRANSCRIPT_EXTENSIONS);
  const features = featureFiles(config, base);
  const crops = croppedFolders(config.croppedAligned ?? [], base);
  const subjects =
    config.subjects === undefined ? new Map<string, string>() : readSubjects(path.resolve(base, config.subjects));
  checkExcluded(config.exclude, videos);
  const names = [...videos.keys()].filter((name) => !config.exclude.includes(name)).sort(byCodeUnit);
  if (names.length === 0) throw noVideos(config, base);
  const unannotated = names.filter((name) => !known.has(name));
  if (unannotated.length > 0 && config.unannotated === 'error') throw missingAnnotations(unannotated);
  const annotated = names.filter((name) => known.has(name));
  if (config.croppedAligned && !annotated.some((name) => crops.has(name)))
    throw noCrops(config.croppedAligned, annotated, crops);
  const orphans = [...annotations.keys()].filter((name) => !videos.has(name)).sort(byCodeUnit);
  return {
    clips: annotated.map((name) => ({
      ...clip(name, videos, annotations, transcripts, subjects),
      ...(test.includes(name) ? {part: 'test' as const} : {}),
      ...sideOf(sides.get(name), transcripts),
      ...featuresOf(name, features),
      ...(crops.has(name) ? {croppedAligned: crops.get(name)!} : {}),
    })),
    remarks: [
      ...(unannotated.length > 0
        ? [`${counted(unannotated.length, 'video')} without annotation left out: ${some(unannotated)}`]
        : []),
      ...(orphans.length > 0 ? [`${counted(orphans.length, 'annotation')} without video: ${some(orphans)}`] : []),
      ...(config.croppedAligned ? lacking('folder of face images', crops, annotated) : []),
      ...[...features].flatMap(([modality, files]) => lacking(`file of ${modality} features`, files, names)),
    ],
  };
}

interface TwoPeople {
  /** The video both are seen in. */
  readonly video: string;
  readonly side: Side;
}

/**
 * One of two people, by the clip's name: x_left or x_right without a video of that name, but one called x. Where x is
 * annotated too, and only one of them, it is of the person on the other side, as Aff-Wild2 names them.
 */
function sidesOf(names: ReadonlySet<string>, videos: ReadonlyMap<string, string>): ReadonlyMap<string, TwoPeople> {
  const people = new Map<string, TwoPeople>();
  for (const name of names) {
    const [, video, side] = /^(.+)_(left|right)$/.exec(name) ?? [];
    if (video === undefined || videos.has(name) || !videos.has(video)) continue;
    people.set(name, {video, side: side as Side});
    const other: Side = side === 'left' ? 'right' : 'left';
    if (names.has(video) && !names.has(`${video}_${other}`)) people.set(video, {video, side: other});
  }
  return people;
}

/** The video of every clip; one that is known by its sides only is no clip itself. */
function videosOfClips(
  files: ReadonlyMap<string, string>,
  known: ReadonlySet<string>,
  sides: ReadonlyMap<string, TwoPeople>,
): ReadonlyMap<string, string> {
  const shared = new Set([...sides.values()].map(({video}) => video));
  return new Map([
    ...[...files].filter(([name]) => known.has(name) || !shared.has(name)),
    ...[...sides].map(([name, {video}]) => [name, files.get(video)!] as const),
  ]);
}

/** A person's side, and the transcript of the video where there is none of that person alone. */
function sideOf(
  person: TwoPeople | undefined,
  transcripts: ReadonlyMap<string, string>,
): Pick<Clip, 'side' | 'transcript'> {
  if (person === undefined) return {};
  const {video, side} = person;
  const transcript = transcripts.get(`${video}_${side}`) ?? transcripts.get(video);
  return {side, ...(transcript === undefined ? {} : {transcript})};
}

function featureFiles(config: FolderDataset, base: string): ReadonlyMap<Modality, ReadonlyMap<string, string>> {
  return new Map(
    MODALITIES.flatMap((modality) => {
      const folder = config.features[modality];
      if (folder === undefined) return [];
      return [
        [
          modality,
          filesByStem(resolveFolder(folder, base, `dataset.features.${modality}`), FEATURE_EXTENSIONS),
        ] as const,
      ];
    }),
  );
}

function featuresOf(name: string, files: ReadonlyMap<Modality, ReadonlyMap<string, string>>): Pick<Clip, 'features'> {
  const own = [...files].flatMap(([modality, byName]) =>
    byName.has(name) ? [[modality, byName.get(name)!] as const] : [],
  );
  return own.length === 0 ? {} : {features: Object.fromEntries(own)};
}

/** Folders of face images by clip. Data sets publish them in several archives, so there may be several places. */
function croppedFolders(places: readonly string[], base: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const place of places) {
    const parent = resolveFolder(place, base, 'dataset.croppedAligned');
    for (const entry of readdirSync(parent, {withFileTypes: true})) {
      if (!entry.isDirectory() && !entry.isSymbolicLink()) continue;
      const name = entry.name.normalize('NFC');
      const folder = path.join(parent, entry.name);
      const other = found.get(name);
      if (other !== undefined) throw duplicate(name, other, folder);
      found.set(name, folder);
    }
  }
  return found;
}

/** Says which clips go without something that others have. */
function lacking(what: string, files: ReadonlyMap<string, string>, names: readonly string[]): string[] {
  const without = names.filter((name) => !files.has(name));
  return without.length === 0 ? [] : [`${counted(without.length, 'clip')} without ${what}: ${some(without)}`];
}

function clip(
  name: string,
  videos: ReadonlyMap<string, string>,
  annotations: ReadonlyMap<string, string>,
  transcripts: ReadonlyMap<string, string>,
  subjects: ReadonlyMap<string, string>,
): Clip {
  const annotation = annotations.get(name);
  const transcript = transcripts.get(name);
  const part = annotation === undefined ? undefined : partOf(annotation);
  return {
    name,
    subject: subjects.get(name) ?? name.replace(/_(left|right)$/, ''),
    video: videos.get(name)!,
    ...(annotation === undefined ? {} : {annotation}),
    ...(transcript === undefined ? {} : {transcript}),
    ...(part === undefined ? {} : {part}),
  };
}

/** Aff-Wild2 keeps annotations in Train_Set and Validation_Set. */
function partOf(annotation: string): 'train' | 'validation' | undefined {
  const folder = path.basename(path.dirname(annotation));
  if (/^(train|training)(_set)?$/i.test(folder)) return 'train';
  if (/^(val|valid|validate|validation|devel|dev)(_set)?$/i.test(folder)) return 'validation';
  return undefined;
}

function resolveFolder(folder: string, base: string, key: string): string {
  const resolved = path.resolve(base, folder);
  if (!existsSync(resolved)) {
    throw new UsageError(
      'bad-dataset',
      `${key}: there is no folder ${resolved}`,
      `Correct ${key}; relative paths start at the experiment file.`,
    );
  }
  return resolved;
}

function filesByStem(folder: string, extensions: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const entry of readdirSync(folder, {recursive: true, withFileTypes: true})) {
    const extension = path.extname(entry.name).toLowerCase();
    if (!entry.isFile() && !entry.isSymbolicLink()) continue;
    if (!extensions.includes(extension) || entry.name.startsWith('.')) continue;
    const name = path.basename(entry.name, path.extname(entry.name)).normalize('NFC');
    const file = path.join(entry.parentPath ?? entry.path, entry.name);
    const other = found.get(name);
    if (other !== undefined) throw duplicate(name, other, file);
    found.set(name, file);
  }
  return found;
}

function readSubjects(file: string): Map<string, string> {
  if (!existsSync(file)) {
    throw new UsageError(
      'bad-dataset',
      `dataset.subjects: there is no file ${file}`,
      'Correct dataset.subjects or leave it out.',
    );
  }
  const [header, ...lines] = readFileSync(file, 'utf8')
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '');
  const columns = (header ?? '').split(',').map((column) => column.trim());
  const [clipColumn, subjectColumn] = [columns.indexOf('clip'), columns.indexOf('subject')];
  if (clipColumn < 0 || subjectColumn < 0) {
    throw new UsageError(
      'bad-dataset',
      `${file}: the header is '${header ?? ''}'`,
      "It must name the columns 'clip' and 'subject'.",
    );
  }
  return new Map(
    lines.map((line, index) => {
      const cells = line.split(',').map((cell) => cell.trim());
      const [clipName, subject] = [cells[clipColumn], cells[subjectColumn]];
      if (!clipName || !subject) {
        throw new UsageError(
          'bad-dataset',
          `${file}:${index + 2}: '${line}' has no clip or no subject`,
          'Write one clip and one subject per line.',
        );
      }
      return [clipName.normalize('NFC'), subject] as const;
    }),
  );
}

/** A name per line, as Aff-Wild2 lists its test set; a path or an extension around it does no harm. */
function readTestList(file: string): string[] {
  if (!existsSync(file)) {
    throw new UsageError(
      'bad-dataset',
      `dataset.test: there is no file ${file}`,
      'Correct dataset.test or leave it out.',
    );
  }
  const lines = readFileSync(file, 'utf8')
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/);
  const names = lines.map((line) => line.trim()).filter((line) => line !== '');
  return [...new Set(names.map((name) => path.basename(name, extensionOf(name)).normalize('NFC')))];
}

const extensionOf = (name: string): string => {
  const extension = path.extname(name).toLowerCase();
  return [...VIDEO_EXTENSIONS, ...ANNOTATION_EXTENSIONS].includes(extension) ? path.extname(name) : '';
};

function checkTestList(test: readonly string[], videos: ReadonlyMap<string, string>): void {
  const unknown = test.filter((name) => !videos.has(name));
  if (unknown.length === 0) return;
  throw new UsageError(
    'bad-dataset',
    `dataset.test lists ${counted(unknown.length, 'clip')} without video: ${some(unknown)}`,
    'Put their videos below dataset.videos, or take their lines out.',
  );
}

function checkExcluded(excluded: readonly string[], videos: ReadonlyMap<string, string>): void {
  const unknown = excluded.filter((name) => !videos.has(name));
  if (unknown.length > 0) {
    throw new UsageError(
      'bad-dataset',
      `dataset.exclude names clips that do not exist: ${some(unknown)}`,
      'Use the file name without its extension.',
    );
  }
}

function noVideos(config: FolderDataset, base: string): UsageError {
  return new UsageError(
    'bad-dataset',
    `no video in ${path.resolve(base, config.videos)}`,
    `Videos are files that end in ${VIDEO_EXTENSIONS.join(', ')}.`,
  );
}

function noCrops(places: readonly string[], names: readonly string[], found: ReadonlyMap<string, string>): UsageError {
  const seen = found.size === 0 ? 'there are no folders' : `the folders there are ${some([...found.keys()])}`;
  return new UsageError(
    'bad-dataset',
    `dataset.croppedAligned: ${places.join(', ')} has no folder of any clip (${some(names)}); ${seen}`,
    'Name the folder whose subfolders are called like the clips and hold 00001.jpg and so on.',
  );
}

function missingAnnotations(names: readonly string[]): UsageError {
  return new UsageError(
    'bad-dataset',
    `${counted(names.length, 'video')} without annotation: ${some(names)}`,
    'Add <clip>.txt for each, or set dataset.unannotated: skip.',
  );
}

function duplicate(name: string, one: string, other: string): UsageError {
  return new UsageError(
    'duplicate-clip',
    `two files are called '${name}': ${one} and ${other}`,
    'Clip names must be unique; rename or move one.',
  );
}

function some(names: readonly string[]): string {
  return names.length <= 5 ? names.join(', ') : `${names.slice(0, 5).join(', ')} and ${names.length - 5} more`;
}

/** Order that no locale can change. */
export function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
