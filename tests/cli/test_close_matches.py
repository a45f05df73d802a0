"""What was mistyped: the nearest folder, name, command or option is named."""

from pathlib import Path

import pytest

from tests.conftest import EXAMPLES

WEIGHTS = EXAMPLES.parent / "weights" / "emoji-colour.safetensors"


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("resume rnus/cyclegan/1", "runs/cyclegan/1"),
        ("report runs/cyclgan/1", "runs/cyclegan/1"),
        ("compare runs/cyclegan/1 runs/cycelgan/1", "runs/cyclegan/1"),
        ("evaluate runs/cyclgan/1", "runs/cyclegan/1"),
        ("sweep sweps/toy/1", "sweeps/toy/1"),
        ("ui --runs rnus", "runs"),
        ("data check rnus", "runs"),
        ("data prepare rnus", "runs"),
        ("data get facade", "facades"),
        ("weights show emoji-color", "emoji-colour"),
        ("trian cyclegan", "train"),
        ("train cylegan", "cyclegan"),
        ("weights shwo x", "show"),
        ("train cyclegan --objctive lsgan", "--objective"),
    ],
)
def test_the_nearest_is_named(words, meant, gantools_cli):
    run, sweep = Path("runs/cyclegan/1"), Path("sweeps/toy/1")
    for folder, file in ((run, "config.yaml"), (sweep, "sweep.yaml")):
        folder.mkdir(parents=True)
        (folder / file).touch()
    (run / "weights.safetensors").symlink_to(WEIGHTS)
    (run / "log.jsonl").write_text('{"step": 1, "seconds": 1.0}\n')
    result = gantools_cli(*words.split())
    assert result.exit_code in (1, 2)
    assert "Traceback" not in result.stderr
    assert (
        any(f"{quote}{meant}{quote}" in result.stderr for quote in ("`", "'")) or f"options: {meant}" in result.stderr
    )
