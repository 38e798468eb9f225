/** Features of the user's own, one file per clip, as one vector per frame. */
import path from 'node:path';
import type {PublishedFile} from '../stage.js';
import {StageError} from '../errors.js';
import {alignRows, type Frame, type FrameVector} from './align.js';
import {openArrow} from './arrow.js';
import {tableRows} from './columns.js';
import {openCsv} from './csv.js';
import {badFeatures, type FeatureRow} from './feature-row.js';
import {readNpy} from './npy.js';
import {openParquet} from './parquet.js';
import {ownParams, type OwnParamsGiven} from './params.js';

export interface OwnSource {
  readonly features: PublishedFile | undefined;
  /** 'visual', 'acoustic' or 'linguistic', for messages. */
  readonly modality: string;
  readonly timeline: {readonly rowCount: number; rows(): AsyncIterable<Frame>};
  readonly own: OwnParamsGiven;
}

/**
 * Streams one vector per frame of the timeline.
 *
 * @throws StageError 'bad-features' where there is no file, or it cannot be read, or does not fit the video.
 */
export async function* ownVectors(
  {features, modality, timeline, own}: OwnSource,
  context: {warn(message: string): void},
): AsyncGenerator<FrameVector, void, undefined> {
  if (!features) throw noFile(modality);
  const file = features.path;
  const params = ownParams.parse(own ?? {});
  const warn = (message: string) => context.warn(message);
  yield* alignRows(await openRows(file, params), timeline.rows(), {file, params, frameCount: timeline.rowCount, warn});
}

async function openRows(file: string, params: Parameters<typeof tableRows>[2]): Promise<AsyncIterable<FeatureRow>> {
  const extension = path.extname(file).toLowerCase();
  if (extension === '.npy') return readNpy(file);
  const open = {'.csv': openCsv, '.parquet': openParquet, '.arrow': openArrow, '.feather': openArrow}[extension];
  if (open) return tableRows(file, await open(file), params);
  throw badFeatures(file, `files ending in '${extension}' are not read`, 'Write .npy, .csv, .parquet or .arrow.');
}

function noFile(modality: string): StageError {
  return new StageError(
    'bad-features',
    `The clip has no file of ${modality} features, but the backbone is 'own'.`,
    `Put <clip>.npy, .csv, .parquet or .arrow into the folder of dataset.features.${modality}, or leave the clip out.`,
  );
}
