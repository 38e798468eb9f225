import {writeFileSync} from 'node:fs';
import path from 'node:path';
import {writeSafetensors} from '../../stages/learning/safetensors.js';
import {counted} from '../counted.js';
import {UsageError} from '../errors.js';
import {loadExperiment} from '../experiment.js';
import {exportTrained, type Exported} from '../export.js';
import {openWorkspace, workspaceFolder} from '../workspace.js';
import type {CommonOptions} from './options.js';
import {print} from './screen.js';

interface ExportCommandOptions extends CommonOptions {
  readonly system: string;
  readonly fold?: string;
  readonly seed?: number;
  readonly windows: number;
  readonly onnx?: string;
  readonly safetensors?: string;
}

/** `affectflow export`: a trained system as an ONNX file, as safetensors, or both. */
export async function exportCommand(file: string, options: ExportCommandOptions): Promise<number> {
  const {system, fold, seed, windows, onnx, safetensors, set, workspace: asked} = options;
  if (onnx === undefined && safetensors === undefined)
    throw new UsageError('bad-option', 'nothing to write', 'Say where with --onnx FILE, --safetensors FILE, or both.');
  const workspace = openWorkspace(workspaceFolder(asked), 'read');
  try {
    const exported = await exportTrained(loadExperiment(file, set), workspace, {system, fold, seed, windows});
    print(`'${system}', fold ${exported.fold}, seed ${exported.seed}:`);
    if (onnx !== undefined) {
      writeFileSync(onnx, exported.onnx);
      print(`  ${onnx}: raw features to valence and arousal, ${counted(windows, 'window')} at a time`);
    }
    if (safetensors !== undefined) writeWeights(safetensors, exported);
    for (const backbone of exported.backbones) writeBackbone(backbone, {onnx, safetensors});
    return 0;
  } finally {
    workspace.close();
  }
}

/** One file for each model, since two models of a system have weights of the same names. */
function writeWeights(file: string, {models, metadata}: Exported): void {
  for (const {name, arrays} of models) {
    const written = models.length === 1 ? file : beside(file, name);
    writeFileSync(written, writeSafetensors({tensors: arrays, metadata: {...metadata, model: name}}));
    print(`  ${written}: weights, for fusion-training.initialWeights.${name} or for other programs`);
  }
}

/** What a system reads of a backbone that was tuned on its fold is of use only with that backbone. */
function writeBackbone(
  {modality, onnx, arrays, shape, metadata}: Exported['backbones'][number],
  files: {readonly onnx: string | undefined; readonly safetensors: string | undefined},
): void {
  const stage = metadata['stage']!;
  if (files.onnx !== undefined) {
    const written = beside(files.onnx, modality);
    writeFileSync(written, onnx);
    print(
      `  ${written}: ${stage}'s network, images [${shape.join(', ')}] to the vectors that the system takes as ${modality}`,
    );
  }
  if (files.safetensors !== undefined) {
    const written = beside(files.safetensors, modality);
    writeFileSync(written, writeSafetensors({tensors: arrays, metadata}));
    print(`  ${written}: its weights, for ${stage}.weights or for other programs`);
  }
}

/** `a/b.onnx` and 'visual': `a/b-visual.onnx`. */
function beside(file: string, name: string): string {
  const {dir, name: stem, ext} = path.parse(file);
  return path.join(dir, `${stem}-${name}${ext}`);
}
