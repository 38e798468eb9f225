/** `dataset.json`: how a demo data set was made and what its files are, so that the same one is not made twice. */
import {createHash} from 'node:crypto';
import {readFile, rename, writeFile} from 'node:fs/promises';
import path from 'node:path';
import {z} from 'zod';

/** 1: drawn faces, synthesised speech, WebVTT. Bumped whenever the same parameters give other files. */
const demoVersion = 1;

const stampFile = 'dataset.json';

const stamp = z.object({
  kind: z.literal('affectflow demo'),
  version: z.number(),
  parameters: z.record(z.string(), z.union([z.number(), z.boolean()])),
  /** SHA-256 by path relative to the folder, with forward slashes. */
  files: z.record(z.string(), z.string()),
});

export type Parameters = Readonly<Record<string, number | boolean>>;

/** Whether the folder holds the data set of these parameters, every file unchanged. */
export async function isStamped(folder: string, parameters: Parameters): Promise<boolean> {
  const text = await readFile(path.join(folder, stampFile), 'utf8').catch(() => undefined);
  const found = stamp.safeParse(text === undefined ? undefined : parseJson(text)).data;
  if (!found || found.version !== demoVersion) return false;
  if (JSON.stringify(found.parameters) !== JSON.stringify(parameters)) return false;
  for (const [file, digest] of Object.entries(found.files)) {
    if ((await sha256(path.join(folder, file)).catch(() => undefined)) !== digest) return false;
  }
  return true;
}

/** Written last, so that an interrupted generation is not taken for a whole data set. */
export async function writeStamp(folder: string, parameters: Parameters, files: readonly string[]): Promise<void> {
  const digests: Record<string, string> = {};
  for (const file of files) digests[file] = await sha256(path.join(folder, file));
  const content: z.input<typeof stamp> = {kind: 'affectflow demo', version: demoVersion, parameters, files: digests};
  const target = path.join(folder, stampFile);
  await writeFile(`${target}.part`, `${JSON.stringify(content, null, 2)}\n`);
  await rename(`${target}.part`, target);
}

async function sha256(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
