"""Generators and discriminators shared by the tasks."""

from gantools.networks.autoencoder import AutoEncoder
from gantools.networks.convolution import Doubling, PictureConv2d, convolve_doubled
from gantools.networks.critics import build_critic
from gantools.networks.init import init_leaky, init_weights
from gantools.networks.norms import InstanceNorm
from gantools.networks.padding import translate_any_size
from gantools.networks.patchgan import PatchGAN, PixelGAN, smallest_patch_size
from gantools.networks.resnet import ResNetGenerator
from gantools.networks.scaling import translate_at_size
from gantools.networks.statistics import by_picture
from gantools.networks.unet import UNetGenerator

__all__ = [
    "AutoEncoder",
    "Doubling",
    "InstanceNorm",
    "PatchGAN",
    "PictureConv2d",
    "PixelGAN",
    "ResNetGenerator",
    "UNetGenerator",
    "build_critic",
    "by_picture",
    "convolve_doubled",
    "init_leaky",
    "init_weights",
    "smallest_patch_size",
    "translate_any_size",
    "translate_at_size",
]
