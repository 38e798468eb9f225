/** Opens a network for use: loads its file, checks its contract, and says in plain words why a file cannot be loaded. */
import {open} from 'node:fs/promises';
import type {InferenceSession} from 'onnxruntime-node';
import {StageError} from '../errors.js';
import {keptSession} from './kept-sessions.js';
import {checkContract} from './model-contract.js';
import type {CheckedModel, ModelContract} from './model-contract.js';

/** Its threads would else wait for the next run by trying again and again, on the cores that decode the next images. */
export const quietSession = {intra_op: {allow_spinning: '0'}};

export const quiet: InferenceSession.SessionOptions = {
  // Errors only; ONNX Runtime would write warnings about old files straight to the terminal.
  logSeverityLevel: 3,
  extra: {session: quietSession},
};

/**
 * Loads a model file and checks its contract, if there is one. A released session may stay loaded: see `keepSessions`.
 *
 * @throws StageError 'bad-model'.
 */
export async function openModel(
  file: string,
  {
    contract,
    model = contract?.model ?? file,
    options = {},
  }: {contract?: ModelContract | undefined; model?: string; options?: InferenceSession.SessionOptions},
): Promise<{session: InferenceSession; checked: CheckedModel | undefined}> {
  const all: InferenceSession.SessionOptions = {...quiet, ...options};
  const session = await keptSession(file, all, () => loadSession(file, {model, options: all}));
  return {session, checked: contract === undefined ? undefined : await checkedOrReleased(session, contract)};
}

/** Loads a model file for this caller alone. */
export async function loadSession(
  file: string,
  {model, options}: {model: string; options: InferenceSession.SessionOptions},
): Promise<InferenceSession> {
  const {InferenceSession} = await import('onnxruntime-node');
  try {
    return await InferenceSession.create(file, options);
  } catch (error) {
    throw await loadError(error, {file, model});
  }
}

export async function checkedOrReleased(session: InferenceSession, contract: ModelContract): Promise<CheckedModel> {
  try {
    return checkContract(session, contract);
  } catch (error) {
    await session.release();
    throw error;
  }
}

/** Translates what ONNX Runtime says of a file it cannot load. */
export async function loadError(cause: unknown, {file, model}: {file: string; model: string}): Promise<StageError> {
  const text = cause instanceof Error ? cause.message : String(cause);
  const [problem, remedy] = (await problemOfFile(file)) ?? problemOfMessage(text);
  const name = model === file ? file : `${model}: ${file}`;
  return new StageError('bad-model', `model ${name} cannot be loaded: ${problem}.`, remedy, {cause});
}

type Problem = readonly [problem: string, remedy: string];

const NOT_ONNX = 'Export the network to ONNX first; pipeline/models/export has recipes.';

/** First bytes of files that people take for ONNX models. */
const signatures: readonly (readonly [pattern: RegExp, problem: string, remedy: string])[] = [
  [
    /^version https:\/\/git-lfs/,
    'it is a Git LFS pointer, not the file itself',
    'Download the file behind the pointer (`git lfs pull`, or the media link of the page).',
  ],
  [/^\s*<(!doctype|html|\?xml)/i, 'it is a web page', 'Download the file itself; the link led to a page about it.'],
  [/^PK\x03\x04/, 'it is a zip archive or a PyTorch file', NOT_ONNX],
  [/^\x80[\x02-\x05]/, 'it is a Python pickle, as PyTorch writes', NOT_ONNX],
  [/^\x89HDF/, 'it is an HDF5 file, as Keras writes', NOT_ONNX],
  [/^....TFL3/s, 'it is a TensorFlow Lite file', NOT_ONNX],
  [/^.{8}\{"/s, 'it is a safetensors file', NOT_ONNX],
];

/** Looks at the file itself; undefined where it may well be ONNX. */
async function problemOfFile(file: string): Promise<Problem | undefined> {
  try {
    await using handle = await open(file, 'r');
    const {bytesRead, buffer} = await handle.read(Buffer.alloc(64), 0, 64, 0);
    if (bytesRead === 0) return ['it is empty', 'Download or export it again.'];
    const head = buffer.toString('latin1', 0, bytesRead);
    const found = signatures.find(([pattern]) => pattern.test(head));
    return found === undefined ? undefined : [found[1], found[2]];
  } catch (error) {
    return [`it cannot be read (${(error as Error).message})`, 'Check the path and the permissions of the file.'];
  }
}

/** Messages of ONNX Runtime 1.30, and what to do about them. */
const messages: readonly (readonly [pattern: RegExp, say: (match: RegExpMatchArray) => Problem])[] = [
  [
    /Protobuf parsing failed|does not have a graph/,
    () => ['it is no ONNX file, or was cut short', 'Download or export it again, and compare its SHA-256.'],
  ],
  [
    /Opset (\d+) is under development.* till opset (\d+)/s,
    ([, seen, most]) => [
      `it uses opset ${seen!}; ONNX Runtime knows opsets up to ${most!}`,
      `Export it with opset_version=17, or any up to ${most!}.`,
    ],
  ],
  [
    /Unsupported model IR version: (\d+), max supported IR version: (\d+)/,
    ([, seen, most]) => [
      `its IR version is ${seen!}; ONNX Runtime knows versions up to ${most!}`,
      'Export it with an older onnx package, or set `model.ir_version` to 9 and save it.',
    ],
  ],
  [
    /No Op registered for (\S+) with domain_version of (\d+)/,
    ([, op, opset]) => [
      `its operator ${op!} does not exist in opset ${opset!}`,
      'Export it with standard operators and opset_version=17.',
    ],
  ],
  [
    /:? ?(\S+):(\S+)\(-?\d+\) is not a registered function\/op/,
    ([, domain, op]) => [
      `its operator ${op!} of '${domain!}' is not part of ONNX`,
      'Export it with standard operators only.',
    ],
  ],
  [
    /No opset import for domain '?([^'\s]+)/,
    ([, domain]) => [
      `it uses operators of '${domain!}' without declaring them`,
      'Export it with standard operators only.',
    ],
  ],
  [
    /Could not find an implementation for (\S+)\((\d+)\)/,
    ([, op, version]) => [
      `ONNX Runtime has no ${op!} of version ${version!} for this device`,
      'Convert it to opset 17 with `onnx.version_converter`, or export it again.',
    ],
  ],
  [
    /[Ee]xternal data/,
    () => [
      'its weights lie in a second file that is not beside it',
      'Export it as one file: `torch.onnx.export(…, external_data=False)`.',
    ],
  ],
];

function problemOfMessage(text: string): Problem {
  for (const [pattern, say] of messages) {
    const found = text.match(pattern);
    if (found !== null) return say(found);
  }
  return [text.trim().replace(/\.$/, ''), 'Check it with `onnx.checker.check_model`, and export it again.'];
}
