"""Exports R(2+1)D-18, the visual backbone of JMT.

    python r2plus1d.py --weights r2plus1d_18-91a641e6.pth --output r2plus1d_18.onnx
    affectflow models add r2plus1d_18 r2plus1d_18.onnx

In an experiment: visual-embedding: {backbone: onnx, onnx: {model: r2plus1d_18}}.

Input [N, 3, T, 112, 112]: RGB in [0, 1], less the mean (0.43216, 0.394666, 0.37645), divided by the deviation
(0.22803, 0.22145, 0.216989); T = 8 frames unless --frames says otherwise. Output [N, 512]: the average over time and
space, before the classifier. Weights: https://download.pytorch.org/models/r2plus1d_18-91a641e6.pth, SHA-256
91a641e6c2ab531d1aca5f4321b4d802ec5c3babc15df855cdb6e39c6a1107c8. Architecture: Tran et al., 2018.
Tested with torch==2.13.0 torchvision==0.28.0 onnx==1.23.1 onnxscript==0.7.2 onnxruntime==1.30.0.
"""

import torch
from torchvision.models.video import r2plus1d_18

from onnx_export import export, load_weights, parser


class Features(torch.nn.Module):
    """The network without its classifier."""

    def __init__(self, network):
        super().__init__()
        self.network = network
        network.fc = torch.nn.Identity()

    def forward(self, input):
        return self.network(input)


if __name__ == "__main__":
    options = parser(__doc__.splitlines()[0])
    options.add_argument("--frames", type=int, default=8)
    options = options.parse_args()
    whole = r2plus1d_18(weights=None)
    load_weights(whole, options.weights)
    clip = torch.randn(2, 3, options.frames, 112, 112)
    export(Features(whole), {"input": clip}, options.output, ["embedding"], {"input": {0: "N"}})
