import {z} from 'zod';

/** Ends of the names of network files, by the kind of their weights, as transformers.js looks for them. */
const fileEnds = {
  fp32: '',
  fp16: '_fp16',
  q8: '_quantized',
  int8: '_int8',
  uint8: '_uint8',
  q4: '_q4',
  q4f16: '_q4f16',
  bnb4: '_bnb4',
} as const;

type WeightKind = keyof typeof fileEnds;

/** What must be said of a Whisper before it can listen. */
export const whisperParams = z
  .strictObject({
    modelFolder: z
      .string()
      .min(1)
      .describe('Folder in the layout of Hugging Face, such as a copy of onnx-community/whisper-base_timestamped.'),
    weights: z
      .enum(Object.keys(fileEnds) as [WeightKind, ...WeightKind[]])
      .default('fp32')
      .describe('Kind of the weights: which files of onnx/ are read.'),
    language: z
      .string()
      .optional()
      .describe(
        'Language that is spoken, such as en; leave it out for English-only models. Others take English where absent.',
      ),
    chunkSeconds: z.number().min(2).max(30).default(30).describe('Sound that is heard at once.'),
    strideSeconds: z
      .number()
      .min(0)
      .max(10)
      .default(5)
      .describe('Overlap on each side; words of it come from the chunk that hears more around them.'),
  })
  .refine(({chunkSeconds, strideSeconds}) => 2 * strideSeconds < chunkSeconds, {
    path: ['strideSeconds'],
    error: 'expected less than half of chunkSeconds',
  });

export type WhisperParams = z.output<typeof whisperParams>;

/** Files that must lie in the folder. */
export function whisperFiles({weights}: WhisperParams): string[] {
  const networks = ['encoder_model', 'decoder_model_merged'].map((name) => `onnx/${name}${fileEnds[weights]}.onnx`);
  const settings = ['config', 'generation_config', 'preprocessor_config', 'tokenizer', 'tokenizer_config'];
  return [...settings.map((name) => `${name}.json`), ...networks];
}
