"""Generators as ONNX files: written and compared with torch, and run by onnxruntime in the place of torch's."""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from copy import deepcopy
from functools import partial
from importlib import import_module
from pathlib import Path

import torch
from torch import nn
from torch.nn.modules.dropout import _DropoutNd

from gantools.cache import cache_folder
from gantools.errors import GanToolsError
from gantools.inference.engine import OnnxNetwork
from gantools.inference.model import Model
from gantools.storage import write_atomically
from gantools.task import Graph
from gantools.weights.header import Header
from gantools.weights.onnx import GRAPH, HEADER, INSTALL, SUFFIX, open_session

_TOLERANCE = 1e-4
_CASES = ((1, 1, 1), (2, 2, 3), (3, 4, 2))  # pictures, and sides as multiples of the smallest


def export_onnx(model: Model, target: Path, force: bool = False) -> list[Path]:
    """Write a model's generators as ONNX files and return them.

    A single one becomes the file ``target``; several, such as two directions, become files in the folder ``target``,
    named after what they do. Each is compared with torch at several sizes, and not written if it differs by more than
    1e-4. GanToolsError says why it cannot be, or what is in the way.
    """
    _check(model)
    graphs = model.task.graphs(model.networks)
    files = _files(list(graphs), target)
    for file in files.values():
        if file.exists() and not force:
            raise GanToolsError(f"{file} exists", "choose another name with -o, or replace it with --force")
    for name, file in files.items():
        write_atomically(file, partial(_write, model, graphs[name]))
    return list(files.values())


def _check(model: Model) -> None:
    """Raise GanToolsError if a package is missing, or if the networks are an ONNX file's already."""
    for package in ("onnx", "onnxscript", "onnxruntime"):
        try:
            import_module(package)
        except ModuleNotFoundError:
            raise GanToolsError(f"{package} is not installed", INSTALL) from None
    if any(isinstance(network, OnnxNetwork) for network in model.networks.generators.values()):
        raise GanToolsError(f"{model.path} is an ONNX file already", "give the weights it is from")


def run_by_onnx(model: Model) -> Model:
    """Let onnxruntime run a model's generators, exported into the cache the first time, and return the model."""
    _check(model)
    for name, graph in model.task.graphs(model.networks).items():
        path = cache_folder() / "onnx" / f"{model.sha256[:32]}{f'-{name}' if name else ''}{SUFFIX}"
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, partial(_write, model, graph))
        model.networks.generators[graph.network] = OnnxNetwork(
            open_session(path, torch.get_num_threads()), list(graph.inputs), graph.settings
        )
    return model.to("cpu")


def _files(names: Sequence[str], target: Path) -> dict[str, Path]:
    if len(names) == 1:
        if target.is_dir():
            raise GanToolsError(f"{target} is a folder", f"give the name of a file, such as generator{SUFFIX}")
        return {names[0]: target if target.suffix == SUFFIX else target.with_name(target.name + SUFFIX)}
    if target.is_file() or target.suffix:
        raise GanToolsError(
            f"there are {len(names)} generators, and {target} names one file", "give the name of a folder with -o"
        )
    return {name: target / f"{name}{SUFFIX}" for name in names}


def _write(model: Model, graph: Graph, path: Path) -> None:
    """Export one network into a file, and compare the two; GanToolsError if they differ."""
    network = _fixed(model.networks[graph.network], graph)
    examples = graph.examples(2, 2, 2)
    try:
        with _quietly():
            program = torch.onnx.export(
                network, tuple(examples.values()), input_names=list(examples), output_names=["result"], dynamo=True,
                dynamic_shapes=[graph.dynamic(name) for name in examples], optimize=True, verbose=False,
            )  # fmt: skip
    except Exception as error:  # torch has many ways to say what it cannot express
        reason = str(error.__cause__ or error).strip().splitlines() or [type(error).__name__]
        raise GanToolsError(
            f"torch cannot export `{graph.network}`: {reason[0]}",
            "its layers have to do the same for every size and number of pictures; report it to the task's author",
        ) from None
    if program is None:
        raise GanToolsError("torch exported nothing", "report it with the command that you typed")
    header = Header.model_validate(
        model.header.model_dump() | {"config": model.header.config | dict(graph.settings)}
    ).model_dump_json()
    said = {
        "network": graph.network, "inputs": list(examples), "multiples_of": graph.stride, "sha256": model.sha256,
        "settled": dict(graph.settings),
    }  # fmt: skip
    program.model.metadata_props.update({HEADER: header, GRAPH: json.dumps(said)})
    program.save(path, external_data=False)
    _compare(network, graph, path)


@torch.no_grad()
def _compare(network: nn.Module, graph: Graph, path: Path) -> None:
    """Run both at several sizes; GanToolsError if onnxruntime cannot, or finds something else."""
    exported = OnnxNetwork(open_session(path), list(graph.inputs), graph.settings)
    for case in _CASES:
        inputs = graph.examples(*case).values()
        try:
            result = exported(*inputs)
        except Exception as error:  # onnxruntime has a class of its own for each way to fail
            raise _refusal(graph, f"fails: {str(error).splitlines()[0]}") from None
        difference = float((result - network(*inputs)).abs().max())
        if not difference <= _TOLERANCE:
            raise _refusal(graph, f"differs from torch's by {difference:.1e}")


def _refusal(graph: Graph, reason: str) -> GanToolsError:
    return GanToolsError(
        f"onnxruntime's `{graph.network}` {reason}; nothing is written",
        "try another version of torch, onnxscript or onnxruntime, and report it",
    )


def _fixed(network: nn.Module, graph: Graph) -> nn.Module:
    """Return a copy without anything random; batch norm by a picture's own statistics becomes instance norm."""
    network = deepcopy(network).cpu().eval()
    if not graph.by_picture:
        return network
    if any(isinstance(module, _DropoutNd) and module.p for module in network.modules()):
        raise GanToolsError(
            "these weights drop at random when they translate, which an ONNX file cannot",
            "train with --inference stored or --dropout 0, or import with --inference eval",
        )
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.BatchNorm2d):
                setattr(parent, name, _by_its_own(child))
    return network


def _by_its_own(norm: nn.BatchNorm2d) -> nn.InstanceNorm2d:
    """Return what batch norm is for a batch of one picture."""
    own = nn.InstanceNorm2d(norm.num_features, norm.eps, affine=norm.affine).eval()
    own.load_state_dict({name: value for name, value in norm.state_dict().items() if name in {"weight", "bias"}})
    return own


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep the exporter's talk to itself: what torch's tracer and onnxscript log, warn of and print."""
    before, unread = logging.root.manager.disable, io.StringIO()
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), redirect_stdout(unread), redirect_stderr(unread):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
