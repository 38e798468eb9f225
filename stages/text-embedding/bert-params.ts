import {z} from 'zod';

/** What must be said of a BERT before it can read words. */
export const bertParams = z.strictObject({
  modelFolder: z
    .string()
    .min(1)
    .describe('Folder in the layout of Hugging Face: tokenizer.json, tokenizer_config.json, onnx/model.onnx.'),
  file: z
    .string()
    .default('onnx/model.onnx')
    .describe('The network inside the folder, such as onnx/model_quantized.onnx.'),
  layers: z
    .enum(['last-four-sum', 'last'])
    .default('last-four-sum')
    .describe(
      'last-four-sum: as in RCMA; from hidden states among the outputs, or inside the network. last: the last layer alone.',
    ),
  maxTokens: z.int().min(3).max(512).default(256).describe('Longer sentences are cut into parts; RCMA uses 256.'),
});

export type BertParams = z.output<typeof bertParams>;

/** Files that must lie in the folder. */
export const bertFiles = ({file}: BertParams): string[] => ['tokenizer.json', 'tokenizer_config.json', file];
