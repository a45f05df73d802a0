"""What the site adds to the Markdown pages, so that these read well on a forge too.

A comment ``<!-- site: WHAT NAME -->`` stands where the site has something else: ``page PATH`` a file from outside this
folder, ``contents`` the table of contents, ``objectives KIND`` the reference, ``autoclass`` and its like a docstring.
"""

import re
from pathlib import Path
from typing import Any

from _pages.contents import contents
from _pages.links import rebased, within_site
from _pages.objectives import reference

_MARK = re.compile(r"^<!-- site: (\w+) ?(.*?) -->$", re.MULTILINE)


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("source-read", _read)
    app.connect("env-get-outdated", _marked)
    return {"parallel_read_safe": True}


def _marked(app: Any, *_: Any) -> list[str]:
    """Return the pages with marks: what these ask for may have changed, though the pages have not."""
    return [page.stem for page in Path(app.srcdir).glob("*.md") if _MARK.search(page.read_text(encoding="utf-8"))]


def _read(app: Any, name: str, source: list[str]) -> None:
    """Put in what a page's marks ask for, and lead its links to pages of the site."""
    folder = Path(app.srcdir)
    page = re.match(r"<!-- site: page (\S+) -->", source[0])
    if page:
        path = folder.parent / page[1]
        source[0] = rebased(path.read_text(encoding="utf-8"), path.parent, folder)
    filled = _MARK.sub(lambda mark: _filled(folder, mark[1], mark[2]), source[0])
    source[0] = within_site(filled, (folder / name).parent, folder)


def _filled(folder: Path, what: str, name: str) -> str:
    if what == "contents":
        return contents(folder)
    if what == "objectives":
        return reference(name)
    directive, _, options = name.partition(" ")
    lines = [f".. {what}:: {directive}", *(f"   {_option(option)}" for option in options.split(";") if option)]
    return "\n".join(["```{eval-rst}", *lines, "```"])


def _option(text: str) -> str:
    """Return a directive's option: ``members`` or ``members: one, another``."""
    name, _, value = text.strip().partition(": ")
    return f":{name}: {value}".rstrip()
