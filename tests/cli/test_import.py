"""`gantools weights import` and `gantools export` as a user types them."""

import json
import shlex
from pathlib import Path

import torch
from PIL import Image
from typer.testing import CliRunner

from gantools.cli.app import app
from tests.unit.foreign import ResNet, Star, UNet, drawn


def gantools(command):
    return CliRunner().invoke(app, shlex.split(command))


def test_weights_of_others_translate_without_a_flag():
    Path("horse2zebra").mkdir()
    for name in ("A", "B"):
        torch.save(drawn(ResNet()).state_dict(), f"horse2zebra/latest_net_G_{name}.pth")
    torch.save(drawn(UNet()).state_dict(), "latest_net_G.pth")
    torch.save(drawn(Star(2)).state_dict(), "7-G.ckpt")
    Image.new("RGB", (37, 53), "teal").save("photo.png")
    for source, more in (("horse2zebra", "--direction b2a"), ("latest_net_G.pth", ""), ("7-G.ckpt", "--to 1")):
        result = gantools(f"weights import {source} -o w.safetensors --force")
        assert result.exit_code == 0, result.stderr
        assert result.stdout == "w.safetensors\n"
        assert "imported " in result.stderr
        result = gantools(f"translate photo.png --weights w.safetensors --force {more}")
        assert result.exit_code == 0, result.stderr
        with Image.open("translated/photo.png") as image:
            assert image.size == (37, 53)


def test_a_unet_may_be_told_to_resize_or_not():
    torch.save(drawn(UNet()).state_dict(), "latest_net_G.pth")
    assert gantools("weights import latest_net_G.pth -o w.safetensors --inference eval").exit_code == 0
    Image.radial_gradient("L").resize((64, 64)).convert("RGB").save("photo.png")
    results = []
    for more in ("", "--no-resize", "--resize"):
        result = gantools(f"translate photo.png --weights w.safetensors --force {more}")
        assert result.exit_code == 0, result.stderr
        results.append(Path("translated/photo.png").read_bytes())
    assert results[0] == results[1] != results[2]


def test_there_and_back():
    torch.save(drawn(ResNet()).state_dict(), "latest_net_G.pth")
    result = gantools("weights import latest_net_G.pth -o w.safetensors --domains horses,zebras --json")
    assert result.exit_code == 0, result.stderr
    said = json.loads(result.stdout)
    assert (said["task"], said["data"]["domains"]) == ("cyclegan", ["horses", "zebras"])
    assert said["imported"]["files"][0]["name"] == "latest_net_G.pth"
    assert said["layout"] == "CycleGAN: ResNet of 2 blocks, instance norm"
    result = gantools("export w.safetensors --format junyanz -o back.pth")
    assert (result.exit_code, result.stdout) == (0, "back.pth\n"), result.stderr
    assert gantools("weights import back.pth -o w2.safetensors").exit_code == 0
    assert gantools("weights import back.pth -o w2.safetensors").exit_code == 1
    result = gantools("translate nothing.png --weights w.safetensors --direction b2a")
    assert result.exit_code == 1
    Image.new("RGB", (16, 16)).save("photo.png")
    result = gantools("translate photo.png --weights w.safetensors --direction b2a")
    assert (result.exit_code, "have no direction b2a" in result.stderr) == (1, True)
