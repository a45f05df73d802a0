"""The reference of the objective layer, made from what the entries say of themselves."""

from gantools.objectives.description import Description, describe
from gantools.plugins import manager

_PLAYERS = {"penalty": ("{} adds, times weight", ""), "constraint": ("in {}", "")}


def reference(kind: str) -> str:
    """Return a section for each entry of a kind: loss, penalty, constraint or recipe."""
    return "\n\n".join(_section(describe(entry)) for entry in manager().objectives if entry.kind == kind)


def _section(entry: Description) -> str:
    parts = [f"### {entry.name}", f"{entry.summary[0].upper()}{entry.summary[1:]}.", _formulas(entry), _advice(entry)]
    parts += [_options(entry), "\n".join(["```sh", *entry.examples, "```"])]
    return "\n\n".join(part for part in parts if part)


def _formulas(entry: Description) -> str:
    said = _PLAYERS.get(entry.kind, ("{} minimises", ""))[0]
    rows = {
        said.format("D"): entry.formula_d,
        said.format("G"): entry.formula_g,
        "comes to": entry.minimises,
        "f(u)": entry.f,
        "conjugate f*(t)": entry.conjugate,
        "activation a(v)": entry.activation,
    }
    lines = [f"{label}\n    " + text.replace(",  ", "\n    ") for label, text in rows.items() if text]
    return "\n".join(["```text", *lines, "```"]) if lines else ""


def _advice(entry: Description) -> str:
    same = " ".join(f"`{flag}`" for flag in entry.same_as)
    tasks = [f"in `{task}`: {' '.join(f'`{flag}`' for flag in flags)}" for task, flags in entry.in_tasks.items()]
    rows = {
        "Use it": entry.use,
        "Needs": "; ".join(entry.needs),
        "The same as": "; ".join([same, *tasks]) if same else "",
        "Paper": entry.paper,
    }
    return "\n".join(f"- **{label}**: {_plain(text)}" for label, text in rows.items() if text)


def _options(entry: Description) -> str:
    if not entry.options:
        return ""
    rows = [f"| `{o.name}` | {_default(o.default)} | {_plain(_kind(o.type) + o.help)} |" for o in entry.options]
    return "\n".join(["| option | default | what it does |", "|---|---|---|", *rows])


def _default(value: object) -> str:
    return f"`{value}`" if str(value) else ""


def _kind(name: str) -> str:
    return f"{name}: " if "|" in name else ""


def _plain(text: str) -> str:
    """Return text in which Markdown finds nothing of its own, but for code."""
    return text.replace("*", "\\*").replace("|", "\\|").replace("<", "\\<").replace("_", "\\_")
