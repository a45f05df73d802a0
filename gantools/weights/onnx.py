"""ONNX files that describe themselves: the header of weights, in the file's metadata."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gantools.errors import GanToolsError

SUFFIX, HEADER, GRAPH = ".onnx", "gantools.header", "gantools.graph"
INSTALL = "pip install 'gantools[onnx]'"


def open_session(path: Path, threads: int | None = None) -> Any:
    """Return an onnxruntime session on the CPU; GanToolsError if onnxruntime is missing or the file is damaged."""
    try:
        import onnxruntime
    except ModuleNotFoundError:
        raise GanToolsError(f"{path} needs onnxruntime, which is not installed", INSTALL) from None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if threads:
        options.intra_op_num_threads = threads
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has a class of its own for each way to fail
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise GanToolsError(f"{path} cannot be read: {reason}", "export it again") from None


def read_metadata(session: Any, path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the header's content, and which network the graph is; GanToolsError if gantools did not write the file."""
    found = session.get_modelmeta().custom_metadata_map
    try:
        return json.loads(found[HEADER]), json.loads(found[GRAPH])
    except (KeyError, ValueError):
        raise GanToolsError(
            f"{path} does not say what it is: gantools did not write it", "export weights with --format onnx"
        ) from None
