"""Exports BERT with the sum of its last four layers, the text backbone of RCMA.

    python bert.py --weights google-bert/bert-base-uncased --output bert-base-uncased
    affectflow models add bert-base-uncased bert-base-uncased

`--weights` is a name on Hugging Face or a folder; `--output` is a folder, which gets onnx/model.onnx, config.json and
the tokenizer. Inputs input_ids, attention_mask, token_type_ids [N, L]; outputs last_hidden_state and last_four_sum
[N, L, 768]. An export that hands out last_hidden_state alone serves as well, for Affectflow reads the other layers inside
it; this one names them. Without --weights: random weights, 4 layers and a vocabulary of letters. Devlin et al., 2019.
Tested with torch==2.13.0 transformers==5.18.0 onnx==1.23.1 onnxscript==0.7.2 onnxruntime==1.30.0.
"""

import pathlib
import string

import torch
from transformers import AutoTokenizer, BertConfig, BertModel, BertTokenizerFast

from onnx_export import export, parser


class LastFour(torch.nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, input_ids, attention_mask, token_type_ids):
        result = self.network(
            input_ids=input_ids,
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
            output_hidden_states=True,
        )
        return result.last_hidden_state, torch.stack(result.hidden_states[-4:]).sum(0)


def small_random(folder: pathlib.Path):
    """A network and a tokenizer with the interfaces of the real ones."""
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *string.ascii_lowercase]
    vocabulary += [f"##{letter}" for letter in string.ascii_lowercase]
    file = folder / "vocab.txt"
    file.write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    torch.manual_seed(0)
    network = BertModel(BertConfig(vocab_size=len(vocabulary), num_hidden_layers=4), add_pooling_layer=False)
    return network, BertTokenizerFast(vocab_file=str(file), do_lower_case=True)


if __name__ == "__main__":
    options = parser(__doc__.splitlines()[0]).parse_args()
    folder = pathlib.Path(options.output)
    (folder / "onnx").mkdir(parents=True, exist_ok=True)
    if options.weights is None:
        network, tokenizer = small_random(folder)
    else:
        network = BertModel.from_pretrained(options.weights, add_pooling_layer=False)
        tokenizer = AutoTokenizer.from_pretrained(options.weights)
    # The fused attention of PyTorch has no ONNX form that is free in the length.
    network.set_attn_implementation("eager")
    network.config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    tokens = torch.randint(5, network.config.vocab_size, (3, 11))
    mask = torch.ones_like(tokens)
    mask[1, 7:] = 0
    export(
        LastFour(network),
        {"input_ids": tokens, "attention_mask": mask, "token_type_ids": torch.zeros_like(tokens)},
        str(folder / "onnx" / "model.onnx"),
        ["last_hidden_state", "last_four_sum"],
        {name: {0: "N", 1: "L"} for name in ("input_ids", "attention_mask", "token_type_ids")},
    )
