"""Exports the visual backbone of RCMA and GRJCA, an ArcFace IR-50 tuned on FER+.

    python ir50.py --weights res50_ir_0.887.pth --output res50_ir_0.887.onnx
    affectflow models add res50_ir_0.887 res50_ir_0.887.onnx

To fine-tune it, add --safetensors res50_ir_0.887.safetensors and name that file as backbone-training.weights.

Input [N, 3, 40, 40]: RGB, (value / 255 − 0.5) / 0.5. Output [N, 512] of length 1. Weights: linked from the page of
sucv/ABAW3. Architecture: Deng et al., "ArcFace", 2019, with the improved residual unit of its section 3.2.
Tested with torch==2.13.0 onnx==1.23.1 onnxscript==0.7.2 onnxruntime==1.30.0.
"""

import torch
from torch import nn

from onnx_export import export, load_weights, parser, save_weights

# Channels and number of units of the four groups; each group but the first halves the image.
GROUPS = [(64, 3), (128, 4), (256, 14), (512, 3)]


class Unit(nn.Module):
    """Residual unit; the names of its parts are those of the published weights."""

    def __init__(self, channels_in: int, channels: int, stride: int):
        super().__init__()
        self.stride = stride
        self.res_layer = nn.Sequential(
            nn.BatchNorm2d(channels_in),
            nn.Conv2d(channels_in, channels, 3, padding=1, bias=False),
            nn.PReLU(channels),
            nn.Conv2d(channels, channels, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )
        self.shortcut_layer = None
        if channels_in != channels:
            convolution = nn.Conv2d(channels_in, channels, 1, stride=stride, bias=False)
            self.shortcut_layer = nn.Sequential(convolution, nn.BatchNorm2d(channels))

    def forward(self, x):
        around = x[:, :, :: self.stride, :: self.stride] if self.shortcut_layer is None else self.shortcut_layer(x)
        return around + self.res_layer(x)


class Ir50(nn.Module):
    """IR-50 for 40×40 images: [N, 3, 40, 40] → [N, 512]."""

    def __init__(self):
        super().__init__()
        self.input_layer = nn.Sequential(nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.PReLU(64))
        units, before = [], 64
        for group, (channels, count) in enumerate(GROUPS):
            for index in range(count):
                units.append(Unit(before, channels, stride=2 if group > 0 and index == 0 else 1))
                before = channels
        self.body = nn.Sequential(*units)
        # 40 pixels halved three times are 5.
        flat = nn.Linear(512 * 5 * 5, 512)
        self.output_layer = nn.Sequential(nn.BatchNorm2d(512), nn.Dropout(0.4), nn.Flatten(), flat, nn.BatchNorm1d(512))

    def forward(self, input):
        return nn.functional.normalize(self.output_layer(self.body(self.input_layer(input))), dim=1)


def own_name(name: str) -> str | None:
    """The published file wraps the backbone and has a classifier that is not used."""
    return None if name.startswith("logits.") else name.removeprefix("backbone.")


if __name__ == "__main__":
    options = parser(__doc__.splitlines()[0]).parse_args()
    network = Ir50()
    load_weights(network, options.weights, own_name)
    save_weights(network, options.safetensors)
    export(network, {"input": torch.rand(4, 3, 40, 40) * 2 - 1}, options.output, ["embedding"], {"input": {0: "N"}})
