"""Implements a hook that does not exist."""

from gantools import hookimpl


@hookimpl
def gantools_register_task(register):
    raise AssertionError("nobody calls this")
