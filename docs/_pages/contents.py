"""The table of contents: the headings and lists of index.md, and whatever pages that leaves out."""

import re
from pathlib import Path

_ITEM = re.compile(r"^- \[([^\]]+)\]\(([\w-]+)\.md\)", re.MULTILINE)
_MORE = "More"


def contents(folder: Path) -> str:
    """Return hidden toctrees: one for each part of the front page, in its words, the last with pages in none."""
    _, *parts = re.split(r"^## ", (folder / "index.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    trees = {part.splitlines()[0]: _ITEM.findall(part) for part in parts}
    listed = {"index", *(page for items in trees.values() for _, page in items)}
    trees[_MORE] = [(page, page) for page in sorted({path.stem for path in folder.glob("*.md")} - listed)]
    return "\n\n".join(_tree(caption, items) for caption, items in trees.items() if items)


def _tree(caption: str, items: list[tuple[str, str]]) -> str:
    entries = [f"{title} <{page}>" for title, page in items]
    return "\n".join(["```{toctree}", ":hidden:", f":caption: {caption}", "", *entries, "```"])
