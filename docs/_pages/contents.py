"""The table of contents: the headings and lists of index.md, and whatever pages that leaves out."""

import re
from pathlib import Path

_ITEM = re.compile(r"^- \[[^\]]+\]\(([\w-]+)\.md\)", re.MULTILINE)
_MORE = "More"


def contents(folder: Path) -> str:
    """Return hidden toctrees: one for each part of the front page, the last with every page that is in none."""
    _, *parts = re.split(r"^## ", (folder / "index.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    trees = {part.splitlines()[0]: _ITEM.findall(part) for part in parts}
    listed = {"index", *(page for pages in trees.values() for page in pages)}
    trees[_MORE] = sorted({path.stem for path in folder.glob("*.md")} - listed)
    return "\n\n".join(_tree(caption, pages) for caption, pages in trees.items() if pages)


def _tree(caption: str, pages: list[str]) -> str:
    return "\n".join(["```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```"])
