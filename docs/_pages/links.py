"""Links of pages: relative ones to files outside the site's folder lead to the pages that show those files."""

import os
import re
from pathlib import Path

_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s:]+?)(#[^)\s]*)?\)")
_SHOWS = re.compile(r"<!-- site: page (\S+) -->")


def rebased(text: str, old: Path, new: Path) -> str:
    """Return Markdown from one folder as it has to read in another."""

    def moved(link: re.Match[str]) -> str:
        bang, words, target, anchor = link.groups()
        if target.startswith("#"):
            return link[0]
        place = os.path.relpath((old / target).resolve(), new)
        return f"{bang}[{words}]({Path(place).as_posix()}{anchor or ''})"

    return _LINK.sub(moved, text)


def within_site(text: str, here: Path, site: Path) -> str:
    """Lead links to files that a page of the site shows to that page; others out of the site become plain words."""
    shown = {(site.parent / mark[1]).resolve(): page for page in site.glob("*.md") if (mark := _shows(page))}

    def led(link: re.Match[str]) -> str:
        bang, words, target, anchor = link.groups()
        path = (here / target).resolve()
        if bang or target.startswith("#") or path.is_relative_to(site.resolve()):
            return link[0]
        if path in shown:
            return f"[{words}]({Path(os.path.relpath(shown[path], here)).as_posix()}{anchor or ''})"
        return words if words.strip("`") in target else f"{words} (`{path.relative_to(site.parent.resolve())}`)"

    return _LINK.sub(led, text)


def _shows(page: Path) -> re.Match[str] | None:
    return _SHOWS.match(page.read_text(encoding="utf-8"))
