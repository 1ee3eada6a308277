"""The exception tree: each error says what happened, where, and how to mend it.

VitrineError
├── ConfigError            a setting is unknown, of the wrong type or out of range
├── DataError              a table or a photo cannot be used as it is
│   └── PhotoError         one photo cannot be read; `reason` is a short stable word
├── ArtifactError          something on disk is missing, damaged or of another version
│   └── LockedError        another process works in the workdir
├── TrainingError          a training cannot start or go on
├── IndexQualityError      an index misses the recall it must reach
├── OutOfTimeError         a command's own time limit is over; the next one goes on
├── NotFoundError          an item, a user or a bundle is unknown
├── ServingError           a model server or the API cannot answer
│   └── UnavailableError   what is asked is down, slow or overloaded: another time it may answer
└── PackagesError          installed packages do not fit together
"""

from __future__ import annotations


class VitrineError(Exception):
    """An error that a user can mend.

    Args:
        what: one sentence: what happened.
        where: the file, setting, row or address it happened at; may be empty.
        mend: what to do about it; may be empty.
    """

    def __init__(self, what: str, *, where: str = "", mend: str = "") -> None:
        self.what = what
        self.where = where
        self.mend = mend
        super().__init__(self.line)

    def __reduce__(self) -> tuple[object, ...]:
        # an exception pickles as its class and one text: without this, none of these could
        # come back from a worker process
        return _again, (type(self), self.line), self.__dict__

    @property
    def line(self) -> str:
        """The whole error on one line, as the command line prints it."""
        start = f"{self.where}: {self.what}" if self.where else self.what
        return " ".join(f"{start} {self.mend}".split())


class ConfigError(VitrineError):
    """A setting is unknown, of the wrong type or out of range."""


class DataError(VitrineError):
    """A table or a photo cannot be used as it is."""


class PhotoError(DataError):
    """One photo cannot be used.

    Args:
        reason: a short stable word for counting, such as `truncated` or `blank`.
    """

    def __init__(self, what: str, *, reason: str, where: str = "", mend: str = "") -> None:
        self.reason = reason
        super().__init__(what, where=where, mend=mend)


class ArtifactError(VitrineError):
    """Something on disk is missing, damaged or of another version."""


class LockedError(ArtifactError):
    """Another process works in the workdir."""


class TrainingError(VitrineError):
    """A training cannot start or go on."""


class IndexQualityError(VitrineError):
    """An index misses the recall it must reach."""


class OutOfTimeError(VitrineError):
    """A command's own time limit is over; what is done is kept, and the next one goes on."""


class NotFoundError(VitrineError):
    """An item, a user or a bundle is unknown."""


class ServingError(VitrineError):
    """A model server or the API cannot answer."""


class UnavailableError(ServingError):
    """What is asked is down, slow or overloaded: another time it may answer."""


class PackagesError(VitrineError):
    """Installed packages do not fit together."""


def _again(kind: type[VitrineError], line: str) -> VitrineError:
    """An error without its fields, which pickle fills in."""
    return kind.__new__(kind, line)
