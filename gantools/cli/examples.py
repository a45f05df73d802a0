"""What stands under each command's help: lines to type, none wider than a terminal."""

from __future__ import annotations

from typing import Any

from rich.markup import escape

EXAMPLES: dict[str, tuple[str, ...]] = {
    "data check": ("gantools data check horses/ zebras/", "gantools data check faces/ --json"),
    "data prepare": ("gantools data prepare photos/ --make edges --size 128",),
    "data get": ("gantools data get facades",),
    "train": (
        "gantools train cyclegan --a horses/ --b zebras/ --minutes 30",
        "gantools train pix2pix --a outlines/ --b drawings/ --objective hinge",
        "gantools train cyclegan --config settings.yaml --dry-run",
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
    "evaluate": ("gantools evaluate runs/cyclegan/1 --a test/A --b test/B",),
    "report": ("gantools report runs/cyclegan/1",),
    "ui": ("gantools ui", "gantools ui --runs elsewhere/runs --port 8000 --open"),
    "doctor": ("gantools doctor", "gantools doctor --json"),
    "export": ("gantools export emoji-colour --format onnx",),
}


def illustrate(name: str, command: Any) -> Any:
    """Return a command with its examples, and those of its sub-commands, under the help."""
    if name in EXAMPLES:
        command.epilog = "\n\n".join(["Examples:", *map(escape, EXAMPLES[name])])
    for sub, part in getattr(command, "commands", {}).items():
        illustrate(f"{name} {sub}", part)
    return command
