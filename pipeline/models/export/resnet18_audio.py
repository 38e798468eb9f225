"""Exports ResNet-18 for spectrograms, the acoustic backbone of JCA and JMT.

    python resnet18_audio.py --weights resnet18-f37072fd.pth --output resnet18_audio.onnx
    affectflow models add resnet18_audio resnet18_audio.onnx

Input [N, 1, 64, 107]: (mel power in dB + 14.8) / 19.895, 64 bands × 107 steps of 10 ms. Output [N, 512]: the average
over the patch. The first convolution is summed over colours, so that a grey image gives what it gave before. Weights:
https://download.pytorch.org/models/resnet18-f37072fd.pth. Architecture: He et al., 2016.
Tested with torch==2.13.0 torchvision==0.28.0 onnx==1.23.1 onnxscript==0.7.2 onnxruntime==1.30.0.
"""

import torch
from torchvision.models import resnet18

from onnx_export import export, load_weights, parser, save_weights


class Features(torch.nn.Module):
    """The network without its classifier, for one channel."""

    def __init__(self, network):
        super().__init__()
        colours = network.conv1
        network.conv1 = torch.nn.Conv2d(1, 64, 7, stride=2, padding=3, bias=False)
        network.conv1.weight = torch.nn.Parameter(colours.weight.sum(dim=1, keepdim=True))
        network.fc = torch.nn.Identity()
        self.network = network

    def forward(self, input):
        return self.network(input)


if __name__ == "__main__":
    options = parser(__doc__.splitlines()[0]).parse_args()
    whole = resnet18(weights=None)
    load_weights(whole, options.weights)
    network = Features(whole)
    save_weights(network, options.safetensors)
    export(network, {"input": torch.randn(4, 1, 64, 107)}, options.output, ["embedding"], {"input": {0: "N"}})
