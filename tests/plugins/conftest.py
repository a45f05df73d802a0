"""Third-party distributions are tested in an environment of their own, on top of the packages of the running one."""

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent


class Environment:
    """A virtual environment that sees the running one's packages; what is installed here stays here."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
        at = {"base": str(folder), "platbase": str(folder)}
        self.python = Path(sysconfig.get_path("scripts", "venv", at), "python")
        # addsitedir, not a plain path: editable packages are found through .pth files of their own.
        sites = sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
        lines = [f"import site; site.addsitedir({site!r})\n" for site in sites]
        Path(sysconfig.get_path("purelib", "venv", at), "running.pth").write_text("".join(lines))

    def install(self, *sources: Path) -> None:
        """Build and install distributions from their sources, without a network."""
        self._pip("install", "--no-index", "--no-build-isolation", *map(str, sources))

    def uninstall(self, distribution: str) -> None:
        """Remove a distribution."""
        self._pip("uninstall", "--yes", distribution)

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """Run Python in this environment and in its folder."""
        return subprocess.run(
            [self.python, *command], cwd=self.folder, capture_output=True, text=True, timeout=300, check=False
        )

    def gantools(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run the command line."""
        return self.run("-c", "from gantools.cli.app import main; main()", *arguments)

    def _pip(self, *arguments: str) -> None:
        pip = [sys.executable, "-m", "pip", "--python", self.python, "--quiet"]
        done = subprocess.run([*pip, *arguments], capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def example() -> Path:
    """Source of a third-party distribution that brings a task."""
    return TESTS / "plugin_example"


@pytest.fixture(scope="session")
def broken() -> Path:
    """Source of a distribution with two plugins that cannot be used."""
    return TESTS / "plugin_broken"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment without any third-party plugin."""
    return Environment(tmp_path_factory.mktemp("environment"))
