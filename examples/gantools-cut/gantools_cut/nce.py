"""PatchNCE: a patch of the translation knows its own source among other patches of the same picture."""

import torch
from torch import nn
from torch.nn.functional import cross_entropy, normalize


class Heads(nn.Module):
    """A small network for each layer: features [N, P, C] -> unit vectors [N, P, D] (section 3.2, "H")."""

    def __init__(self, channels, dim=256):
        super().__init__()
        self.heads = nn.ModuleList(nn.Sequential(nn.Linear(c, dim), nn.ReLU(), nn.Linear(dim, dim)) for c in channels)

    def forward(self, features):
        return [normalize(head(f), dim=-1) for head, f in zip(self.heads, features, strict=True)]


def channels(width):
    """Return how many channels `features` has in each layer."""
    return [3, width, 2 * width, 4 * width, 4 * width]


def features(g, images):
    """Return what the first half of a ResNet generator sees of pictures: five maps, the pixels first."""
    stages = [g.stem, *g.down, g.blocks[: len(g.blocks) // 2]]
    maps = [images]
    for stage in stages:
        maps.append(stage(maps[-1]))
    return maps


def places(maps, count, rng):
    """Draw ``count`` places in each map, other ones for each picture, none twice: indices [N, P]."""
    drawn = []
    for each in maps:
        size = each.shape[2] * each.shape[3]
        drawn.append(rng.uniform(size).argsort(1)[:, :count])
    return drawn


def at(maps, drawn):
    """Return the vectors of maps [N, C, H, W] at places [N, P]: [N, P, C]."""
    flat = [each.flatten(2).transpose(1, 2) for each in maps]
    return [f.gather(1, p[..., None].expand(-1, -1, f.shape[2])) for f, p in zip(flat, drawn, strict=True)]


def patch_nce(queries, keys, temperature):
    """Return -E log softmax of q·k⁺ among all q·k of the same picture, the mean over layers (equations 3 and 4)."""
    losses = []
    for q, k in zip(queries, keys, strict=True):
        logits = q @ k.detach().transpose(1, 2) / temperature
        own = torch.arange(logits.shape[1], device=logits.device).expand(logits.shape[:2])
        losses.append(cross_entropy(logits.flatten(0, 1), own.flatten()))
    return torch.stack(losses).mean()
