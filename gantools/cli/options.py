"""From typed models to flags: a Config's fields become the options of a command."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from rich.markup import escape

from gantools.cli.completion import OFFERS
from gantools.config import flag

_SHORT = {"out": "-o"}
Devices = tuple[Mapping[str, Any], Mapping[str, Any]]


def model_options(
    model: type[BaseModel], on_gpu: Mapping[str, Any] | None = None, on_cpu: Mapping[str, Any] | None = None
) -> list[inspect.Parameter]:
    """Return a parameter for each field; all are optional, so that only what is typed overrides other layers.

    ``on_gpu`` and ``on_cpu`` hold the defaults that the device changes, for the help.
    """
    devices = (on_gpu or {}, on_cpu or {})
    parameters = [(_panel(field), _parameter(name, field, devices)) for name, field in model.model_fields.items()]
    return [parameter for _, parameter in sorted(parameters, key=lambda pair: _rank(pair[0]))]


def make_command(name: str, text: str, parameters: list[inspect.Parameter], body: Callable[..., None]) -> Any:
    """Build a command whose options are ``parameters``; ``body`` gets those that were given, by keyword."""

    def callback(**values: Any) -> None:
        body(**{key: value for key, value in values.items() if value is not None})

    callback.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    callback.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="rich")
    app.command(name, help=text)(callback)
    return typer.main.get_command(app)


def extra(name: str, kind: Any, **settings: Any) -> inspect.Parameter:
    """Return a parameter that is no field of a model; ``settings`` are those of typer.Option."""
    settings.setdefault("autocompletion", OFFERS.get(name))
    option = typer.Option(*settings.pop("names", [flag(name)]), show_default=False, **settings)
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[_optional(kind), option]
    )


def _parameter(name: str, field: FieldInfo, devices: Devices) -> inspect.Parameter:
    names = [f"{flag(name)}/--no-{flag(name)[2:]}" if field.annotation in (bool, bool | None) else flag(name)]
    if name in _SHORT:
        names.insert(0, _SHORT[name])
    return extra(
        name,
        field.annotation,
        names=names,
        help=escape(f"{field.description}{_default_text(name, field.default, devices)}"),
        rich_help_panel=_panel(field),
    )


def _panel(field: FieldInfo) -> str:
    extra = field.json_schema_extra
    return str(extra.get("panel", "Options")) if isinstance(extra, dict) else "Options"


def _rank(panel: str) -> int:
    """Order the panels of the help: what everybody needs first, a plugin's own panels in the middle."""
    return {"Data": 0, "Training": 1, "Objective": 2, "Machine": 4, "Output": 5}.get(panel, 3)


def _default_text(name: str, default: Any, devices: Devices) -> str:
    on_gpu, on_cpu = (_spell(defaults.get(name, default)) for defaults in devices)
    if not on_gpu and not on_cpu:
        return ""
    return f" [default: {on_gpu}]" if on_gpu == on_cpu else f" [default: {on_gpu}; {on_cpu} on a CPU]"


def _spell(value: Any) -> str:
    if value is None or value == []:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _optional(kind: Any) -> Any:
    """Return the type that Typer should parse: ``X | None`` for X, numbers and paths as they are."""
    if get_origin(kind) in (Union, UnionType):
        kind = next(part for part in get_args(kind) if part is not type(None))
    known = (int, float, bool, str, Path)
    if kind in known or get_origin(kind) in (list, tuple, Literal):
        return kind | None
    raise TypeError(f"no flag for fields of type {kind}")
