"""What a training has done so far, on disk after every epoch, so that a killed one goes on."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.artifact import disk_errors, write_json
from recsys.errors import TrainingError
from recsys.progress import say

STATE = "state.json"
Arrays = list[NDArray[Any]]


@dataclass(frozen=True)
class TrainingDraft:
    """The hidden folder of one training.

    Args:
        folder: where it is kept until the model is written.
        settings: the config sections that the result depends on.
        inputs: fingerprints of what is learned from.
    """

    folder: Path
    settings: dict[str, Any]
    inputs: dict[str, str] = field(default_factory=dict)

    def load(self) -> tuple[dict[str, Any], dict[str, Arrays]] | None:
        """The record and the arrays of the last whole epoch; None where there is nothing to use.

        A draft of other tables or photos is of no use, and is removed.

        Raises:
            TrainingError: it was begun with other settings; each of them is named.
        """
        try:
            state = json.loads((self.folder / STATE).read_text(encoding="utf-8"))
            begun, inputs, epoch = state["settings"], state["inputs"], int(state["epoch"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if inputs != self.inputs:
            say("  what is learned from has changed since a training was begun: it starts anew")
            self.remove()
            return None
        if changed := differences(begun, json.loads(json.dumps(self.settings))):
            raise TrainingError(
                f"a training was begun with other settings: {'; '.join(changed)}.",
                where=str(self.folder),
                mend="Go on with its settings, or remove this folder to start anew.",
            )
        try:
            return state["record"], {
                name: _read(self.folder / _file(name, epoch)) for name in state["arrays"]
            }
        except (OSError, ValueError, KeyError):
            return None

    def save(self, epoch: int, record: dict[str, Any], arrays: dict[str, Arrays]) -> None:
        """Keeps an epoch; the one before goes when this one is whole.

        Args:
            epoch: its number.
            record: whatever JSON can hold.
            arrays: name → arrays, in an order that the caller knows.
        """
        with disk_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            for name, values in arrays.items():
                named: dict[str, Any] = {f"{i:04d}": value for i, value in enumerate(values)}
                np.savez(self.folder / _file(name, epoch), **named)
            write_json(self.folder / STATE, {
                "epoch": epoch, "settings": self.settings, "inputs": self.inputs,
                "record": record, "arrays": sorted(arrays),
            })  # fmt: skip
            kept = {_file(name, epoch) for name in arrays}
            for path in self.folder.glob("*.npz"):
                if path.name not in kept:
                    path.unlink(missing_ok=True)

    def remove(self) -> None:
        """Forgets the training, once its model is written."""
        shutil.rmtree(self.folder, ignore_errors=True)


def differences(begun: dict[str, Any], now: dict[str, Any], prefix: str = "") -> list[str]:
    """The settings that differ, as `model.dropout was 0.2 and is 0.3`."""
    found = []
    for name in sorted({*begun, *now}):
        old, new = begun.get(name), now.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            found += differences(old, new, f"{prefix}{name}.")
        elif old != new:
            found.append(f"`{prefix}{name}` was {old} and is {new}")
    return found


def _file(name: str, epoch: int) -> str:
    return f"{name}-{epoch:05d}.npz"


def _read(path: Path) -> Arrays:
    with np.load(path) as stored:
        return [stored[name] for name in sorted(stored.files)]
