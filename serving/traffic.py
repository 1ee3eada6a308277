"""Which bundles answer: the newest, a chosen one, or two that share, kept through restarts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from recsys.artifact import write_json
from recsys.errors import ArtifactError, DataError
from recsys.workdir import Workdir

FILE = "traffic.json"


@dataclass(frozen=True)
class Traffic:
    """Who is answered by which bundle.

    Attributes:
        pinned: the version that answers; None is the newest one, as soon as it has appeared.
        shares: version → its share of the users, of the versions beside the main one.
        salt: another one deals the users anew.
        serving: the version that answered last: `vitrine export` keeps it.
    """

    pinned: int | None = None
    shares: Mapping[int, float] = field(default_factory=dict)
    salt: str = ""
    serving: int | None = None

    def version_for(self, user_id: str | None, main: int) -> int:
        """The version that answers a user; nobody in particular gets the main one."""
        if user_id is None or not self.shares:
            return main
        digest = hashlib.sha256(f"{self.salt}\0{user_id}".encode()).digest()
        place = int.from_bytes(digest[:8]) / 2**64
        for version, share in sorted(self.shares.items()):
            if place < share:
                return version
            place -= share
        return main

    @property
    def kept(self) -> set[int]:
        """The versions that must not be removed."""
        named = {self.pinned, self.serving, *self.shares}
        return {version for version in named if version is not None}

    def served_by(self, version: int | None) -> Traffic:
        """The same with one version for all; None for the newest."""
        return replace(self, pinned=version, shares={})

    def shared_with(self, version: int, share: float) -> Traffic:
        """The same with a share of the users given to one version.

        Raises:
            DataError: it is no share.
        """
        if not 0 < share < 1:
            raise DataError(f"a share lies between 0 and 1, and this is {share:g}.",
                            where="share", mend="0.1 gives every tenth user to the version."
                            )  # fmt: skip
        return replace(self, shares={version: share})


def load_traffic(workdir: Workdir) -> Traffic:
    """What was chosen last; the newest bundle for all where nothing was.

    Raises:
        ArtifactError: the file cannot be read.
    """
    path = traffic_file(workdir)
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        shares = {int(version): float(share) for version, share in value["shares"].items()}
        return Traffic(value["pinned"], shares, value["salt"], value["serving"])
    except FileNotFoundError:
        return Traffic()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArtifactError(
            f"it cannot be read: {error}.", where=str(path),
            mend="Delete it to serve the newest bundle.",
        ) from error  # fmt: skip


def save_traffic(workdir: Workdir, traffic: Traffic) -> None:
    """Keeps a choice; running servers see it within a second or two."""
    write_json(traffic_file(workdir), asdict(traffic))


def traffic_file(workdir: Workdir) -> Path:
    """Where the choice is kept."""
    return workdir.root / FILE
