"""The one error that users see."""

INDENT = " " * len("error: ")  # of the further lines of a message


class GanToolsError(Exception):
    """Something the user can put right: what went wrong in one line, and what to do in another.

    The command line prints it as ``error: …`` and ``hint: …`` and exits with 1; from Python it is raised as it is.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\nhint: {self.hint}" if self.hint else self.message


def in_words(error: Exception) -> str:
    """Return any error in a line."""
    if isinstance(error, GanToolsError):
        return error.message
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
