"""What stands under each command's help: lines to type, none wider than a terminal."""

from __future__ import annotations

from rich.markup import escape

_SWEEP = "--vary objective=lsgan,hinge"

EXAMPLES: dict[str, tuple[str, ...]] = {
    "demo": ("gantools demo", "gantools demo --minutes 0.5 -o /tmp/demo"),
    "data": ("gantools data check horses/ zebras/", "gantools data get horse2zebra"),
    "data check": ("gantools data check horses/ zebras/", "gantools data check faces/ --json"),
    "data prepare": (
        "gantools data prepare photos/ --make edges --size 128 -o set",
        "gantools data prepare holiday.mp4 --every 0.5 --size 256 -o frames",
    ),
    "data get": ("gantools data get", "gantools data get facades --dry-run"),
    "train": (
        "gantools train cyclegan --a horses/ --b zebras/ --minutes 30",
        "gantools train pix2pix --a outlines/ --b drawings/ --objective hinge",
        "gantools train cyclegan --config settings.yaml --dry-run",
    ),
    "train cyclegan": (
        "gantools train cyclegan --a horses/ --b zebras/ --minutes 30",
        "gantools train cyclegan --a horses/ --b zebras/ --preset paper --dry-run",
        "gantools train cyclegan --config settings.yaml --steps 2000",
    ),
    "train pix2pix": (
        "gantools train pix2pix --a outlines/ --b drawings/ --minutes 30",
        "gantools train pix2pix --data facades/ --direction b2a",
        "gantools train pix2pix --data facades/ --objective hinge --spectral-norm",
    ),
    "train stargan": (
        "gantools train stargan --data styles/ --minutes 60",
        "gantools train stargan --data faces/ --attributes list_attr_celeba.txt",
        "gantools train stargan --data styles/ --objective nonsaturating --penalty r1",
    ),
    "train text2image": (
        "gantools train text2image --data captioned/ --minutes 60",
        "gantools train text2image --data captioned/ --size 64 --dry-run",
    ),
    "train toy": (
        "gantools train toy --data ring8 --objective wgan-gp",
        "gantools train toy --data grid25 --objective hinge --spectral-norm",
    ),
    "resume": ("gantools resume runs/cyclegan/1", "gantools resume runs/cyclegan/1 --steps 1000"),
    "translate": (
        "gantools translate drawing.png",
        "gantools translate photos/ -o stripes/ --weights runs/cyclegan/1",
        "gantools translate emoji.png --weights emoji-styles --to all",
    ),
    "generate": (
        'gantools generate "a red bird" "a purple rabbit" --grid',
        'gantools generate "a red bird" "a blue fish" --interpolate --gif',
    ),
    "evaluate": (
        "gantools evaluate runs/cyclegan/1 --a test/A --b test/B",
        "gantools evaluate emoji-styles --data test/ --metrics kid,domain --json",
    ),
    "sweep": (
        f"gantools sweep cyclegan --a horses/ --b zebras/ {_SWEEP}",
        "gantools sweep sweeps/cyclegan/1",
    ),
    "sweep cyclegan": (
        f"gantools sweep cyclegan --a horses/ --b zebras/ {_SWEEP}",
        "gantools sweep cyclegan --config my.yaml --vary lr_g=1e-4,2e-4 --dry-run",
    ),
    "sweep pix2pix": (f"gantools sweep pix2pix --data facades/ {_SWEEP} --seeds 5",),
    "sweep stargan": (f"gantools sweep stargan --data styles/ {_SWEEP}",),
    "sweep text2image": (f"gantools sweep text2image --data captioned/ {_SWEEP}",),
    "sweep toy": (f"gantools sweep toy --steps 500 {_SWEEP}",),
    "sweep DIR": ("gantools sweep sweeps/cyclegan/1", "gantools sweep sweeps/cyclegan/1 --retry"),
    "compare": (
        "gantools compare runs/cyclegan/1 runs/cyclegan/2",
        "gantools compare sweeps/cyclegan/1 --metric kid --json",
    ),
    "report": ("gantools report runs/cyclegan/1",),
    "ui": ("gantools ui", "gantools ui --runs elsewhere/runs --port 8000 --open"),
    "objectives": ("gantools objectives", "gantools objectives show wgan-gp"),
    "objectives show": ("gantools objectives show wgan-gp", "gantools objectives show r1 --json"),
    "weights": ("gantools weights list", "gantools translate photo.png --weights emoji-colour"),
    "weights list": ("gantools weights list", "gantools weights list --json"),
    "weights show": ("gantools weights show emoji-colour", "gantools weights show runs/cyclegan/1 --json"),
    "weights verify": ("gantools weights verify", "gantools weights verify emoji-colour --json"),
    "weights import": (
        "gantools weights import latest_net_G.pth -o facades.safetensors",
        "gantools weights import checkpoints/horse2zebra/ -o h2z.safetensors",
    ),
    "weights push": ("gantools weights push runs/cyclegan/1 me/horse2zebra",),
    "weights pull": (
        "gantools weights pull me/horse2zebra",
        "gantools weights pull me/horse2zebra@v1 -o old.safetensors",
    ),
    "export": (
        "gantools export emoji-colour --format onnx -o colour.onnx",
        "gantools export runs/cyclegan/1 --format junyanz -o nets/",
    ),
    "doctor": ("gantools doctor", "gantools doctor --json"),
    "plugins": ("gantools plugins list", "gantools plugins new line-drawing"),
    "plugins list": ("gantools plugins list", "gantools plugins list --json"),
    "plugins new": (
        "gantools plugins new line-drawing",
        "gantools plugins new my-loss --kind objective -o my-loss",
    ),
    "plugins install": ("gantools plugins install ./gantools-line-drawing",),
    "plugins uninstall": ("gantools plugins uninstall line-drawing --yes",),
}


def epilog(*lines: str) -> str:
    """Return lines to type as a command's ``epilog``."""
    return "\n\n".join(["Examples:", *map(escape, lines)])
