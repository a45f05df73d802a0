"""Other programs' generators with random weights: written out from the layouts of their state dicts, in plain torch."""

import itertools

import torch
from torch import nn
from torch.nn import functional as F


def drawn(network):
    """Draw weights so large that every layer matters, and running statistics that are not those of a batch."""
    for name, tensor in network.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 2)
        elif tensor.is_floating_point() and not name.endswith("filt"):
            tensor.normal_(0, 0.2).add_(1.0 if tensor.dim() == 1 and name.endswith("weight") else 0.0)
    return network


def norm_of(kind, channels):
    return nn.BatchNorm2d(channels) if kind == "batch" else nn.InstanceNorm2d(channels)


class Block(nn.Module):
    """conv_block.{1,5}, or {1,6} with dropout between."""

    def __init__(self, channels, norm, dropout):
        super().__init__()
        biased = norm == "instance"
        layers = [
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3, bias=biased),
            norm_of(norm, channels),
            nn.ReLU(),
        ]
        layers += [nn.Dropout(0.5)] if dropout else []
        layers += [nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3, bias=biased), norm_of(norm, channels)]
        self.conv_block = nn.Sequential(*layers)

    def forward(self, x):
        return x + self.conv_block(x)


class Filter(nn.Module):
    """CUT's fixed filters, kept as `filt`: halving by 1 2 1, doubling by 1 3 3 1."""

    def __init__(self, channels, up):
        super().__init__()
        row = torch.tensor([1.0, 3.0, 3.0, 1.0] if up else [1.0, 2.0, 1.0])
        kernel = row[:, None] * row[None, :] / row.sum() ** 2 * (4 if up else 1)
        self.register_buffer("filt", kernel.expand(channels, 1, *kernel.shape).clone())
        self.up = up

    def forward(self, x):
        channels = x.shape[1]
        if self.up:
            wide = F.conv_transpose2d(
                F.pad(x, (1, 1, 1, 1), "replicate"), self.filt, stride=2, padding=2, groups=channels
            )
            return wide[:, :, 1:-1, 1:-1]
        return F.conv2d(F.pad(x, (1, 1, 1, 1), "reflect"), self.filt, stride=2, groups=channels)


class ResNet(nn.Module):
    """resnet_Nblocks of pytorch-CycleGAN-and-pix2pix; with ``blur_down`` and ``blur_up`` that of CUT."""

    def __init__(
        self, width=4, blocks=2, norm="instance", dropout=False, blur_down=False, blur_up=False, inside=3, outside=3
    ):
        super().__init__()
        biased = norm == "instance"

        def normed(layer, channels):
            return [layer, norm_of(norm, channels), nn.ReLU()]

        layers = [nn.ReflectionPad2d(3), *normed(nn.Conv2d(inside, width, 7, bias=biased), width)]
        for channels in (width, 2 * width):
            stride = 1 if blur_down else 2
            layers += normed(nn.Conv2d(channels, 2 * channels, 3, stride, 1, bias=biased), 2 * channels)
            layers += [Filter(2 * channels, up=False)] if blur_down else []
        layers += [Block(4 * width, norm, dropout) for _ in range(blocks)]
        for channels in (4 * width, 2 * width):
            half = channels // 2
            if blur_up:
                layers += [Filter(channels, up=True), *normed(nn.Conv2d(channels, half, 3, 1, 1, bias=biased), half)]
            else:
                layers += normed(nn.ConvTranspose2d(channels, half, 3, 2, 1, 1, bias=biased), half)
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(width, outside, 7), nn.Tanh()]
        self.model = nn.Sequential(*layers)

    def forward(self, x):
        return self.model(x)


class Level(nn.Module):
    """One level of the U-Net: what is below it is nested inside."""

    def __init__(self, outer, inner, norm, below=None, inside=None, dropout=False):
        super().__init__()
        biased, outermost = norm == "instance", inside is not None
        down = nn.Conv2d(inside or outer, inner, 4, 2, 1, bias=biased)
        up_in = inner if below is None else 2 * inner
        up = nn.ConvTranspose2d(up_in, outer, 4, 2, 1, bias=biased or outermost)
        self.outermost = outermost
        if outermost:
            layers = [down, below, nn.ReLU(), up, nn.Tanh()]
        elif below is None:
            layers = [nn.LeakyReLU(0.2), down, nn.ReLU(), up, norm_of(norm, outer)]
        else:
            layers = [nn.LeakyReLU(0.2), down, norm_of(norm, inner), below, nn.ReLU(), up, norm_of(norm, outer)]
            layers += [nn.Dropout(0.5)] if dropout else []
        self.model = nn.Sequential(*layers)

    def forward(self, x):
        return self.model(x) if self.outermost else torch.cat([x, self.model(x)], 1)


class UNet(nn.Module):
    """unet_128 has 7 levels, unet_256 has 8; dropout on the middle ones of the widest."""

    def __init__(self, width=2, levels=5, norm="batch", dropout=False, inside=3, outside=3):
        super().__init__()
        net = Level(8 * width, 8 * width, norm)
        for _ in range(levels - 5):
            net = Level(8 * width, 8 * width, norm, net, dropout=dropout)
        for outer in (4, 2, 1):
            net = Level(outer * width, 2 * outer * width, norm, net)
        self.model = Level(outside, width, norm, net, inside=inside)

    def forward(self, x):
        return self.model(x)


class Patches(nn.Module):
    """The PatchGAN discriminator."""

    def __init__(self, inside=3, width=4, layers=3, norm="instance"):
        super().__init__()
        modules, channels = [nn.Conv2d(inside, width, 4, 2, 1), nn.LeakyReLU(0.2)], width
        for i in range(layers):
            wide = width * min(2 ** (i + 1), 8)
            stride = 1 if i == layers - 1 else 2
            convolution = nn.Conv2d(channels, wide, 4, stride, 1, bias=norm == "instance")
            modules += [convolution, norm_of(norm, wide), nn.LeakyReLU(0.2)]
            channels = wide
        self.model = nn.Sequential(*modules, nn.Conv2d(channels, 1, 4, 1, 1))

    def forward(self, image):
        return self.model(image)


class Pixels(nn.Module):
    """The discriminator of single pixels."""

    def __init__(self, inside=3, width=4, norm="instance"):
        super().__init__()
        biased = norm == "instance"
        self.net = nn.Sequential(
            nn.Conv2d(inside, width, 1), nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 1, bias=biased), norm_of(norm, 2 * width), nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 1, 1, bias=biased),
        )  # fmt: skip

    def forward(self, image):
        return self.net(image)


class StarBlock(nn.Module):
    """main.{0,3} and their norms."""

    def __init__(self, channels):
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False), star_norm(channels), nn.ReLU(),
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False), star_norm(channels),
        )  # fmt: skip

    def forward(self, x):
        return x + self.main(x)


def star_norm(channels):
    return nn.InstanceNorm2d(channels, affine=True, track_running_stats=True)


class Star(nn.Module):
    """yunjey's StarGAN generator, never put into eval()."""

    def __init__(self, labels, width=4, blocks=6):
        super().__init__()
        layers = [nn.Conv2d(3 + labels, width, 7, 1, 3, bias=False), star_norm(width), nn.ReLU()]
        for channels in (width, 2 * width):
            layers += [nn.Conv2d(channels, 2 * channels, 4, 2, 1, bias=False), star_norm(2 * channels), nn.ReLU()]
        layers += [StarBlock(4 * width) for _ in range(blocks)]
        for channels in (4 * width, 2 * width):
            half = channels // 2
            layers += [nn.ConvTranspose2d(channels, half, 4, 2, 1, bias=False), star_norm(half), nn.ReLU()]
        self.main = nn.Sequential(*layers, nn.Conv2d(width, 3, 7, 1, 3, bias=False), nn.Tanh())

    def forward(self, x, labels):
        maps = labels[:, :, None, None].expand(-1, -1, *x.shape[2:])
        return self.main(torch.cat([x, maps], 1))


class StarJudge(nn.Module):
    """Its discriminator."""

    def __init__(self, labels, size=32, width=2, layers=4):
        super().__init__()
        modules, channels = [nn.Conv2d(3, width, 4, 2, 1), nn.LeakyReLU(0.01)], width
        for _ in range(layers - 1):
            modules += [nn.Conv2d(channels, 2 * channels, 4, 2, 1), nn.LeakyReLU(0.01)]
            channels *= 2
        self.main = nn.Sequential(*modules)
        self.conv1 = nn.Conv2d(channels, 1, 3, 1, 1, bias=False)
        self.conv2 = nn.Conv2d(channels, labels, size >> layers, bias=False)


class Modulation(nn.Module):
    """fc_gamma and fc_beta of DF-GAN."""

    def __init__(self, cond, channels):
        super().__init__()
        for name in ("fc_gamma", "fc_beta"):
            both = {"linear1": nn.Linear(cond, channels), "linear2": nn.Linear(channels, channels)}
            setattr(self, name, nn.ModuleDict(both))

    def forward(self, x, cond):
        gamma, beta = (
            part["linear2"](torch.relu(part["linear1"](cond)))[:, :, None, None]
            for part in (self.fc_gamma, self.fc_beta)
        )
        return F.leaky_relu(gamma * x + beta, 0.2)


class FusedBlock(nn.Module):
    """GBlocks.N of DF-GAN."""

    def __init__(self, cond, inside, outside):
        super().__init__()
        self.c1 = nn.Conv2d(inside, outside, 3, 1, 1)
        self.c2 = nn.Conv2d(outside, outside, 3, 1, 1)
        self.fuse1, self.fuse2 = (
            nn.ModuleDict({f"affine{i}": Modulation(cond, channels) for i in range(2)})
            for channels in (inside, outside)
        )
        if inside != outside:
            self.c_sc = nn.Conv2d(inside, outside, 1)

    def forward(self, x, cond):
        x = F.interpolate(x, scale_factor=2, mode="nearest")
        y = self.c1(self.fuse1["affine1"](self.fuse1["affine0"](x, cond), cond))
        y = self.c2(self.fuse2["affine1"](self.fuse2["affine0"](y, cond), cond))
        return y + (self.c_sc(x) if hasattr(self, "c_sc") else x)


class Painter(nn.Module):
    """DF-GAN's generator; 6 blocks paint 256 pixels."""

    def __init__(self, width=2, blocks=6, noise=7, sentence=8):
        super().__init__()
        channels = [width * min(2**i, 8) for i in range(blocks, -1, -1)]
        self.fc = nn.Linear(noise, channels[0] * 16)
        self.GBlocks = nn.ModuleList(FusedBlock(noise + sentence, *pair) for pair in itertools.pairwise(channels))
        self.to_rgb = nn.Sequential(nn.LeakyReLU(0.2), nn.Conv2d(width, 3, 3, 1, 1), nn.Tanh())

    def forward(self, noise, sentence):
        x = self.fc(noise).view(len(noise), -1, 4, 4)
        for block in self.GBlocks:
            x = block(x, torch.cat([noise, sentence], 1))
        return self.to_rgb(x)


class Halving(nn.Module):
    """DBlocks.N of DF-GAN: there is a shortcut in every block, which only one that widens uses."""

    def __init__(self, inside, outside):
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(1))
        self.conv_r = nn.Sequential(
            nn.Conv2d(inside, outside, 4, 2, 1, bias=False), nn.LeakyReLU(0.2),
            nn.Conv2d(outside, outside, 3, 1, 1, bias=False), nn.LeakyReLU(0.2),
        )  # fmt: skip
        self.conv_s = nn.Conv2d(inside, outside, 1)

    def forward(self, x):
        kept = x if x.shape[1] == self.conv_s.out_channels else self.conv_s(x)
        return F.avg_pool2d(kept, 2) + self.gamma * self.conv_r(x)


class PictureJudge(nn.Module):
    """netD of DF-GAN: what it sees of a picture."""

    def __init__(self, width=2, blocks=6):
        super().__init__()
        channels = [width * min(2**i, 8) for i in range(blocks + 1)]
        self.conv_img = nn.Conv2d(3, width, 3, 1, 1)
        self.DBlocks = nn.ModuleList(Halving(*pair) for pair in itertools.pairwise(channels))

    def forward(self, x):
        x = self.conv_img(x)
        for block in self.DBlocks:
            x = block(x)
        return x


class PairJudge(nn.Module):
    """netC of DF-GAN: whether that goes with a sentence."""

    def __init__(self, width=2, sentence=8):
        super().__init__()
        self.joint_conv = nn.Sequential(
            nn.Conv2d(8 * width + sentence, 2 * width, 3, 1, 1, bias=False), nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 1, 4, bias=False),
        )  # fmt: skip

    def forward(self, seen, sentence):
        return self.joint_conv(torch.cat([seen, sentence[:, :, None, None].expand(-1, -1, 4, 4)], 1))


class Reader(nn.Module):
    """DAMSM's text encoder; a sentence is the last state of each direction."""

    def __init__(self, words, embedded=5, hidden=4):
        super().__init__()
        self.encoder = nn.Embedding(words, embedded)
        self.rnn = nn.LSTM(embedded, hidden, batch_first=True, bidirectional=True)

    def forward(self, ids):
        _, (state, _) = self.rnn(self.encoder(torch.tensor([ids])))
        return torch.cat([state[0], state[1]], 1)
