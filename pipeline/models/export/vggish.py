"""Exports VGGish, the acoustic backbone of RCMA and GRJCA.

    python vggish.py --weights vggish-10086976.pth --output vggish.onnx
    affectflow models add vggish vggish.onnx

Input [N, 1, 96, 64]: ln(mel + 0.01), 96 steps of 10 ms × 64 bands of 125–7500 Hz, 16 kHz. Output [N, 128], raw:
before PCA and 8 bits. The last ReLU is dropped, as in the released code of RCMA; --keep-last-relu keeps it, as in
torchvggish. Weights: release of harritaylor/torchvggish. Architecture: Hershey et al., 2017, configuration A of VGG.
Tested with torch==2.13.0 onnx==1.23.1 onnxscript==0.7.2 onnxruntime==1.30.0.
"""

import torch
from torch import nn

from onnx_export import export, load_weights, parser, save_weights

# Channels of the convolutions of each group; every group ends in a 2×2 maximum.
GROUPS = [[64], [128], [256, 256], [512, 512]]


def convolutions() -> nn.Sequential:
    layers, before = [], 1
    for group in GROUPS:
        for channels in group:
            layers += [nn.Conv2d(before, channels, 3, padding=1), nn.ReLU()]
            before = channels
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers)


class Vggish(nn.Module):
    def __init__(self, keep_last_relu: bool):
        super().__init__()
        self.features = convolutions()
        last = [nn.ReLU()] if keep_last_relu else []
        # 96×64 halved four times is 6×4.
        hidden = [nn.Linear(512 * 6 * 4, 4096), nn.ReLU(), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 128)]
        self.embeddings = nn.Sequential(*hidden, *last)

    def forward(self, input):
        # The weights come from TensorFlow, where channels come last: [N, 512, 6, 4] → [N, 6, 4, 512].
        return self.embeddings(self.features(input).permute(0, 2, 3, 1).flatten(1))


if __name__ == "__main__":
    options = parser(__doc__.splitlines()[0])
    options.add_argument("--keep-last-relu", action="store_true")
    options = options.parse_args()
    network = Vggish(options.keep_last_relu)
    load_weights(network, options.weights)
    save_weights(network, options.safetensors)
    export(network, {"input": torch.randn(4, 1, 96, 64)}, options.output, ["embedding"], {"input": {0: "N"}})
