"""Writes a PyTorch network as one ONNX file and proves that the file computes what the network does.

Used by the recipes beside it. Tested with Python 3.11 and
    pip install torch==2.13.0 onnx==1.23.1 onnxscript==0.7.2 onnxruntime==1.30.0 numpy==2.4.6
"""

import argparse
import json
import struct

import numpy
import onnxruntime
import torch

# ONNX Runtime 1.30 reads opsets up to 26; 18 is the lowest that PyTorch's exporter writes.
OPSET = 18


def parser(description: str) -> argparse.ArgumentParser:
    """Options that all recipes share; without weights a network with random ones is written, to try a pipeline."""
    options = argparse.ArgumentParser(description=description)
    options.add_argument("--weights", help="file of the published weights; without it they are random")
    options.add_argument("--output", required=True, help="the ONNX file to write")
    options.add_argument("--safetensors", help="a file of the weights alone to write as well, for backbone-training")
    return options


def save_weights(network: torch.nn.Module, file: str | None) -> None:
    """Writes weights and running statistics under their own names, for backbone-training; nothing without a file.

    The ONNX file does not serve for that: its exporter folds batch norms into convolutions.
    """
    if file is None:
        return
    floats = {name: value for name, value in network.state_dict().items() if value.is_floating_point()}
    values = {name: floats[name].float().contiguous().numpy().astype("<f4") for name in sorted(floats)}
    header, end = {}, 0
    for name, value in values.items():
        header[name] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": [end, end + value.nbytes]}
        end += value.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(file, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        for value in values.values():
            out.write(value.tobytes())
    print(f"wrote {file}: {len(values)} tensors")


def load_weights(network: torch.nn.Module, file: str | None, rename=lambda name: name) -> None:
    """Loads a state dict; `rename` maps the name of a weight, or drops it by returning None."""
    torch.manual_seed(0)
    if file is None:
        for module in network.modules():
            # Statistics other than 0 and 1, so that a wrong layer cannot hide behind them.
            if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
                torch.nn.init.uniform_(module.running_mean, -0.1, 0.1)
                torch.nn.init.uniform_(module.running_var, 0.8, 1.2)
        return
    weights = torch.load(file, map_location="cpu", weights_only=True)
    named = {rename(name): value for name, value in weights.items()}
    network.load_state_dict({name: value for name, value in named.items() if name is not None}, strict=True)


def export(network, inputs: dict, output: str, output_names: list, dynamic: dict) -> None:
    """Writes `network` called with `inputs` by name. `dynamic` says per input which axes vary: {"input": {0: "N"}}."""
    network.eval()
    torch.onnx.export(
        network,
        kwargs=inputs,
        f=output,
        input_names=list(inputs),
        output_names=output_names,
        dynamic_shapes={name: {axis: torch.export.Dim.DYNAMIC for axis in axes} for name, axes in dynamic.items()},
        opset_version=OPSET,
        # One file: a digest of it then covers the weights.
        external_data=False,
        dynamo=True,
    )
    compare(network, inputs, output)


def compare(network, inputs: dict, output: str) -> None:
    """Runs network and file on the inputs, and on their first row alone, and prints the largest difference."""
    session = onnxruntime.InferenceSession(output, providers=["CPUExecutionProvider"])
    for rows in (len(next(iter(inputs.values()))), 1):
        some = {name: value[:rows] for name, value in inputs.items()}
        with torch.no_grad():
            expected = network(**some)
        expected = expected if isinstance(expected, tuple) else (expected,)
        seen = session.run(None, {name: value.numpy() for name, value in some.items()})
        worst = max(float(numpy.abs(a.numpy() - b).max()) for a, b in zip(expected, seen, strict=True))
        if worst > 1e-3:
            raise SystemExit(f"{output} differs from the network by {worst:.1e}; do not use it.")
        print(f"{rows} rows: the file differs from the network by at most {worst:.1e}")
    print(f"wrote {output}: " + ", ".join(f"{value.name} {value.shape}" for value in session.get_inputs() + session.get_outputs()))
