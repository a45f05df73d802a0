"""Weights on the Hugging Face hub: ``hf://USER/NAME[@REVISION]``."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import file_digest
from pathlib import Path

from gantools.errors import GanToolsError
from gantools.text.source import no_progress_bars
from gantools.weights.card import SHEET, find_sheet, write_card
from gantools.weights.find import Found
from gantools.weights.places import NAME

SCHEME = "hf://"
_REFERENCE = re.compile(r"(?:hf://)?(?P<repository>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w./-]+))?")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def fetch(reference: str) -> Path | None:
    """Return the local file of weights on the hub, from the cache where it is there; None for other references.

    An interrupted transfer goes on where it stopped. The file's SHA-256 has to be the one that the hub names.
    """
    return pull(reference) if reference.startswith(SCHEME) else None


def pull(reference: str) -> Path:
    """Return the local file of ``USER/NAME[@REVISION]``; GanToolsError if it cannot be had, or is damaged."""
    from huggingface_hub import hf_hub_download

    repository, revision = _parse(reference)
    with _in_words(repository), no_progress_bars():
        path = Path(hf_hub_download(repository, NAME, revision=revision, endpoint=_endpoint()))
    blob = path.resolve()  # the cache names a large file by its SHA-256
    if _SHA256.fullmatch(blob.name):
        with blob.open("rb") as file:
            if file_digest(file, "sha256").hexdigest() != blob.name:
                blob.unlink()
                raise GanToolsError(f"{reference} came damaged: its checksum differs", "try again; the copy is deleted")
    _fetch_sheet(repository, path.parent.name)
    return path


def _fetch_sheet(repository: str, commit: str) -> None:
    """Put the sheet beside the weights in the cache, if the hub has one: a notebook shows it."""
    from huggingface_hub import errors, hf_hub_download

    with suppress(errors.EntryNotFoundError, OSError), no_progress_bars():
        hf_hub_download(repository, SHEET, revision=commit, endpoint=_endpoint())


def push(found: Found, reference: str, private: bool = False) -> str:
    """Upload weights, their model card and sheet as one commit, and return its address."""
    if found.path.suffix != Path(NAME).suffix:
        raise GanToolsError(f"{found.name} is no {Path(NAME).suffix} file", "push the weights that it is from")
    from huggingface_hub import CommitOperationAdd, HfApi

    repository, revision = _parse(reference)
    sheet = find_sheet(found.path)
    card = write_card(found.header, repository, sheet is not None).encode()
    files: dict[str, bytes | str] = {NAME: str(found.path), "README.md": card}
    if sheet is not None:
        files[SHEET] = str(sheet)
    operations = [CommitOperationAdd(name, content) for name, content in files.items()]
    with _in_words(repository), no_progress_bars():
        api = HfApi(endpoint=_endpoint())
        api.create_repo(repository, private=private, exist_ok=True)
        message = f"{found.header.task}, step {found.header.step:,}"
        return str(api.create_commit(repository, operations, commit_message=message, revision=revision).commit_url)


def _endpoint() -> str | None:
    """Return the hub's address if it is not the usual one."""
    return os.environ.get("HF_ENDPOINT")


def _parse(reference: str) -> tuple[str, str | None]:
    parts = _REFERENCE.fullmatch(reference)
    if parts is None:
        raise GanToolsError(f"`{reference}` names nothing on the hub", "write USER/NAME, or USER/NAME@REVISION")
    return parts["repository"], parts["revision"]


@contextmanager
def _in_words(repository: str) -> Iterator[None]:
    """Turn what the hub and the network raise into an error and a hint."""
    from huggingface_hub import errors

    try:
        yield
    except errors.RepositoryNotFoundError:
        hint = "check the name; for a private one log in first: hf auth login"
        raise GanToolsError(f"there is no {repository} on the hub, or it is not for you", hint) from None
    except errors.RevisionNotFoundError:
        raise GanToolsError(f"{repository} has no such revision", "leave @REVISION out") from None
    except errors.LocalEntryNotFoundError:
        raise GanToolsError(
            f"{repository} is not in the cache, and the hub cannot be reached", "connect to the internet once"
        ) from None
    except errors.EntryNotFoundError:
        raise GanToolsError(
            f"{repository} holds no {NAME}: it is not from gantools", "`gantools weights import` reads other programs'"
        ) from None
    except GanToolsError:
        raise
    except Exception as error:  # the hub's errors and the network's have no base in common
        lines = str(error.__cause__ or error).strip().splitlines()
        reason = lines[0] if lines else type(error).__name__
        raise GanToolsError(f"{repository}: {reason}", "try again; to upload, log in first: hf auth login") from None
