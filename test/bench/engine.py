"""PyTorch twins of the models in engine-models.ts, timed on request for test/bench/engine.ts.

Reads one line per request, "MODEL eager|compiled STEPS", and answers one line of JSON: seconds and loss of each step.
"""
import json
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

OTHERS = {"a": "vt", "v": "at", "t": "av"}
KERNEL = 5


class CausalLevel(nn.Module):
    def __init__(self, inputs, outputs, dilation):
        super().__init__()
        self.padding = (KERNEL - 1) * dilation
        self.convolution = nn.Conv1d(inputs, outputs, KERNEL, dilation=dilation)
        self.direct = nn.Conv1d(inputs, outputs, 1, bias=False) if inputs != outputs else nn.Identity()

    def forward(self, x):
        return F.relu(F.relu(self.convolution(F.pad(x, (self.padding, 0)))) + self.direct(x))


class Temporal(nn.Sequential):
    def __init__(self, inputs, channels):
        widths = [inputs, *channels]
        super().__init__(*(CausalLevel(widths[i], widths[i + 1], 2**i) for i in range(len(channels))))

    def forward(self, x):
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


class Rcma(nn.Module):
    def __init__(self, windows=12, length=300, features=(128, 512, 768), channels=(256, 128, 128, 128), hidden=128):
        super().__init__()
        linear = lambda inputs, outputs: nn.Linear(inputs, outputs, bias=False)
        self.windows, self.length, self.hidden = windows, length, hidden
        self.features = dict(zip("avt", features))
        self.width = width = channels[-1]
        self.temporal = nn.ModuleDict({m: Temporal(d, channels) for m, d in self.features.items()})
        self.joint = nn.ModuleDict({m: linear(width, 2 * width) for m in OTHERS})
        self.correlation = nn.ModuleDict({m: linear(2 * width, width) for m in OTHERS})
        self.attended = nn.ModuleDict({m: linear(width, width) for m in OTHERS})
        self.head = nn.ModuleList([linear(3 * width, hidden), linear(hidden, 1)])

    def forward(self, batch):
        x = {m: self.temporal[m](batch[m]) for m in OTHERS}
        for _ in range(2):
            x = {m: self.attend(m, x) for m in OTHERS}
        hidden = F.relu(self.head[0](torch.cat([x[m] for m in OTHERS], 2))) * batch["mask"]
        return torch.tanh(self.head[1](hidden)).flatten()

    def attend(self, m, x):
        joint = torch.cat([x[other] for other in OTHERS[m]], 2)
        correlation = torch.tanh(self.joint[m](x[m]) @ joint.transpose(1, 2) / (2 * self.width) ** 0.5)
        return self.attended[m](F.relu(correlation @ self.correlation[m](joint))) + x[m]

    def batch(self):
        batch = {m: torch.rand(self.windows, self.length, d) * 2 - 1 for m, d in self.features.items()}
        batch["mask"] = (torch.rand(self.windows, self.length, self.hidden) > 0.5).float() * 2
        return batch, torch.rand(self.windows * self.length) * 2 - 1

    @staticmethod
    def loss(prediction, label):
        x, y = prediction - prediction.mean(), label - label.mean()
        spread = x.square().mean() + y.square().mean() + (prediction.mean() - label.mean()).square()
        return 1 - 2 * (x * y).mean() / spread


class PublishedLevel(nn.Module):
    """Two weight-normed causal convolutions with a residual around both."""

    def __init__(self, inputs, outputs, dilation):
        super().__init__()
        self.padding = (KERNEL - 1) * dilation
        normed = lambda before: nn.utils.parametrizations.weight_norm(nn.Conv1d(before, outputs, KERNEL, dilation=dilation))
        self.convolutions = nn.ModuleList([normed(inputs), normed(outputs)])
        self.dropout = nn.Dropout(0.1)
        self.direct = nn.Conv1d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x):
        y = x
        for convolution in self.convolutions:
            y = self.dropout(F.leaky_relu(convolution(F.pad(y, (self.padding, 0)))))
        return F.leaky_relu(y + self.direct(x))


class Attention(nn.Module):
    def __init__(self, width, joint, length):
        super().__init__()
        linear = lambda inputs, outputs: nn.Linear(inputs, outputs, bias=False)
        self.key, self.value, self.out = linear(length, length), linear(width, width), linear(joint, width)
        self.dropout = nn.Dropout(0.5)

    def forward(self, x, joint):
        correlation = torch.tanh(self.key(x.transpose(1, 2)) @ joint / joint.shape[2] ** 0.5)
        return x + self.dropout(self.out(F.relu(self.value(x) @ correlation)))


class Published(nn.Module):
    """RCMA with the settings of its paper."""

    weight_decay = 5e-4

    def __init__(self, windows=12, length=300):
        super().__init__()
        self.windows, self.length = windows, length
        self.features = {"v": 512, "a": 128, "t": 768}
        self.widths = {"v": 512, "a": 128, "t": 512}
        self.temporal = nn.ModuleDict({
            m: nn.Sequential(*(PublishedLevel(d if i == 0 else self.widths[m], self.widths[m], 2**i) for i in range(4)))
            for m, d in self.features.items()})
        self.norm = nn.ModuleDict({m: nn.BatchNorm1d(d) for m, d in self.widths.items()})
        self.attention = nn.ModuleList([nn.ModuleDict({
            m: Attention(d, sum(self.widths.values()) - d, length) for m, d in self.widths.items()}) for _ in range(2)])
        self.head = nn.Sequential(nn.Linear(sum(self.widths.values()), 256), nn.BatchNorm1d(256), nn.LeakyReLU())
        self.last = nn.Sequential(nn.Dropout(0.8), nn.Linear(256, 1), nn.Tanh())

    def forward(self, batch):
        x = {m: self.norm[m](self.temporal[m](batch[m].transpose(1, 2))).transpose(1, 2) for m in self.features}
        for layer in self.attention:
            x = {m: layer[m](x[m], torch.cat([x[other] for other in OTHERS[m]], 2)) for m in self.features}
        fused = torch.cat([x[m] for m in self.features], 2)
        return self.last(self.head(fused.flatten(0, 1))).view(self.windows, self.length)

    def batch(self):
        batch = {m: torch.rand(self.windows, self.length, d) * 2 - 1 for m, d in self.features.items()}
        return batch, torch.rand(self.windows, self.length) * 2 - 1

    @staticmethod
    def loss(prediction, label):
        x, y = prediction - prediction.mean(1, True), label - label.mean(1, True)
        distance = (prediction.mean(1) - label.mean(1)).square()
        spread = x.square().mean(1) + y.square().mean(1) + distance
        return (1 - 2 * (x * y).mean(1) / (spread + 1e-8)).mean()


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs),
        )
        self.direct = nn.Identity() if inputs == outputs else nn.Sequential(
            nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        return F.relu(self.body(x) + self.direct(x))


class ImprovedBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.body = nn.Sequential(
            nn.BatchNorm2d(inputs), nn.Conv2d(inputs, outputs, 3, 1, 1, bias=False), nn.PReLU(outputs),
            nn.Conv2d(outputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs),
        )
        self.direct = nn.Identity() if inputs == outputs else nn.Sequential(
            nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        return self.body(x) + self.direct(x)


class Backbone(nn.Module):
    """A network from images to two outputs, trained by squared error; channels last, which PyTorch computes faster."""

    images = 32

    def batch(self):
        self.to(memory_format=torch.channels_last)
        images = torch.rand(self.images, 3, self.size, self.size) * 2 - 1
        return images.contiguous(memory_format=torch.channels_last), torch.rand(self.images, 2) * 2 - 1

    def forward(self, x):
        return self.body(x)

    @staticmethod
    def loss(prediction, label):
        return F.mse_loss(prediction, label)


class Resnet18(Backbone):
    size = 112

    def __init__(self):
        super().__init__()
        widths = [64, 64, 128, 256, 512]
        blocks = [BasicBlock(widths[s + min(b, 1)], widths[s + 1], 2 if s > 0 and b == 0 else 1) for s in range(4) for b in range(2)]
        self.body = nn.Sequential(
            nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1),
            *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 2, bias=False),
        )


class UnitLength(nn.Module):
    def forward(self, x):
        return F.normalize(x, dim=1)


class Ir50(Backbone):
    size = 40

    def __init__(self):
        super().__init__()
        widths, depths = [64, 64, 128, 256, 512], [3, 4, 14, 3]
        blocks = [
            ImprovedBlock(widths[s + min(b, 1)], widths[s + 1], 2 if s > 0 and b == 0 else 1)
            for s in range(4) for b in range(depths[s])
        ]
        self.body = nn.Sequential(
            nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.PReLU(64), *blocks,
            nn.BatchNorm2d(512), nn.Flatten(), nn.Dropout(0.4), nn.Linear(512 * 5 * 5, 512), nn.BatchNorm1d(512),
            UnitLength(), nn.Linear(512, 2, bias=False),
        )


MODELS = {"published": Published, "rcma": Rcma, "resnet18": Resnet18, "ir50": Ir50}


class Training:
    def __init__(self, name, compiled):
        torch.manual_seed(0)
        self.model = MODELS[name]()
        self.inputs, self.label = self.model.batch()
        decay = getattr(self.model, "weight_decay", 0)
        self.optimiser = torch.optim.Adam(self.model.parameters(), lr=1e-5, weight_decay=decay)
        self.run = torch.compile(self.forward) if compiled else self.forward

    def forward(self):
        return self.model.loss(self.model(self.inputs), self.label)

    def step(self):
        start = (time.perf_counter(), time.process_time())
        self.optimiser.zero_grad(set_to_none=True)
        loss = self.run()
        loss.backward()
        self.optimiser.step()
        return {"seconds": time.perf_counter() - start[0], "cpu": time.process_time() - start[1], "loss": loss.item()}


def main():
    torch.set_num_threads(int(sys.argv[1]))
    print(json.dumps({"torch": torch.__version__, "threads": torch.get_num_threads()}), flush=True)
    trainings = {}
    for line in sys.stdin:
        name, mode, steps = line.split()
        if (name, mode) not in trainings:
            trainings[name, mode] = Training(name, mode == "compiled")
        print(json.dumps([trainings[name, mode].step() for _ in range(int(steps))]), flush=True)


if __name__ == "__main__":
    main()
