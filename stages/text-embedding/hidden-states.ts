/**
 * The layers of a BERT inside an export that hands out its last one only. A transformer with its normalisations behind
 * each half of a layer, as BERT's kind has them, normalises once behind its embeddings and twice per layer; every second
 * result is a hidden state. Vaswani et al., 2017, section 3.1; Devlin et al., 2019.
 */
import type {GraphProto, NodeProto} from '../learning/onnx/model.js';

/** `model_type` in config.json of those whose exports this was tried on. */
const kinds = new Set(['bert', 'roberta', 'xlm-roberta', 'camembert', 'distilbert', 'electra', 'albert', 'mpnet']);

/** What config.json says that matters here. */
export interface TransformerConfig {
  readonly model_type?: unknown;
  readonly num_hidden_layers?: unknown;
  /** DistilBERT's word for the same. */
  readonly n_layers?: unknown;
}

/**
 * Names of the hidden states in the graph, that of the embeddings first: one more than there are layers. Undefined where
 * the network is of another kind, or has not the normalisations that are expected.
 */
export function hiddenStates(graph: GraphProto, config: TransformerConfig): string[] | undefined {
  const layers = config.num_hidden_layers ?? config.n_layers;
  if (!kinds.has(String(config.model_type)) || typeof layers !== 'number') return undefined;
  const normalised = normalisations(graph);
  // A head that guesses masked words normalises once more.
  const isExpected = [2 * layers + 1, 2 * layers + 2].includes(normalised.length);
  return isExpected ? normalised.filter((_, index) => index % 2 === 0).slice(0, layers + 1) : undefined;
}

/** Results of layer normalisations, in the order of the file, which is one of computation. */
function normalisations(graph: GraphProto): string[] {
  const nodes = graph.node ?? [];
  const producers = new Map(nodes.flatMap((node) => (node.output ?? []).map((name) => [name, node])));
  const constants = new Set((graph.initializer ?? []).map(({name}) => name));
  // Exporters share equal weights by nodes that hand them on.
  for (const {input = [], output = []} of nodes) {
    if (input.every((name) => constants.has(name))) for (const name of output) constants.add(name);
  }
  return nodes.filter((node) => isNormalisation(node, producers, constants)).map(({output}) => output![0]!);
}

/** The last two are ONNX Runtime's own, in exports that its optimiser rewrote. */
const fused = new Set(['LayerNormalization', 'SkipLayerNormalization', 'EmbedLayerNormalization']);

/** One operator since opset 17; before, a product with one weight and a sum with another behind a quotient. */
function isNormalisation(
  {opType, input = []}: NodeProto,
  producers: ReadonlyMap<string, NodeProto>,
  constants: ReadonlySet<string | undefined>,
): boolean {
  if (fused.has(opType ?? '')) return true;
  const scaled = opType === 'Add' ? input.flatMap((name) => producers.get(name) ?? []) : [];
  const quotient = scaled.flatMap(({opType: op, input: factors = []}) =>
    op === 'Mul' && factors.some((name) => constants.has(name))
      ? factors.flatMap((name) => producers.get(name) ?? [])
      : [],
  );
  return input.some((name) => constants.has(name)) && quotient.some(({opType: op}) => op === 'Div');
}
