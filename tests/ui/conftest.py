import pytest

from tests.ui.served import serving


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A served page, and its folder; beside the runs lies a file that nobody may read."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "secret.txt").write_text("SECRET")
    with serving(folder) as (url, _, _):
        yield url, folder
