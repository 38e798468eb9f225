/** The files of one network: large exports keep their weights in a second one. */
import {existsSync} from 'node:fs';
import type {ModelFile} from '../stage.js';

/** How PyTorch and Hugging Face's exporters name the second file, behind the name of the first. */
const secondFiles = ['.data', '_data'] as const;

/** The file of a network and, where there is one, that of its weights, so that both enter the fingerprint. */
export function networkFiles(id: string, path: string): ModelFile[] {
  const found = secondFiles.filter((end) => existsSync(`${path}${end}`));
  return [{id, path}, ...found.map((end) => ({id: `${id}${end}`, path: `${path}${end}`}))];
}
