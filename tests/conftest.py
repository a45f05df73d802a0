import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from shutil import which

import pytest

from gantools.plugins import manager
from gantools.registry import PluginRecord

os.environ.setdefault("OMP_NUM_THREADS", "1")  # tiny networks: a second thread costs more than it gives
EXAMPLES = Path(__file__).parent.parent / "examples"


@contextmanager
def uninstalled_plugins(folders: Mapping[str, Path]) -> Iterator[None]:
    """Register plugins, modules by their names, from the folders that they lie in."""
    for module, folder in folders.items():
        sys.path.insert(0, str(folder))
        manager().register(import_module(module), PluginRecord(module, module, "0"))
    yield
    for module, folder in folders.items():
        manager().unregister(module)
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if name.partition(".")[0] == module]:
            del sys.modules[name]


def unprivileged() -> list[str]:
    """Return what stands before a command that is to respect file permissions, which root need not."""
    if os.geteuid():
        return []
    if which("setpriv") is None:
        pytest.skip("root may do everything, and there is no setpriv")
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]


@pytest.fixture
def folders() -> dict[str, str]:
    """Two folders of real pictures, as `train` takes them."""
    return {"a": str(EXAMPLES / "noto"), "b": str(EXAMPLES / "fluent3d")}


@pytest.fixture
def tiny(folders: dict[str, str]) -> dict[str, object]:
    """Settings of a CycleGAN that trains a step in some hundredths of a second."""
    return {
        **folders, "size": 32, "width": 4, "blocks": 1, "d_layers": 2, "batch_size": 2, "steps": 6, "pool_size": 4,
        "log_every": 1, "sample_every": 1000, "device": "cpu",
    }  # fmt: skip


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run every test in a folder of its own, without the user's weights or cache."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GANTOOLS_WEIGHTS", raising=False)
    monkeypatch.setenv("GANTOOLS_CACHE", str(tmp_path / "cache"))
    os.environ.setdefault("COLUMNS", "80")
    return tmp_path
