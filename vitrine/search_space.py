"""What a search may try: settings with their ranges, from YAML."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from recsys.config import Config
from recsys.errors import ConfigError

if TYPE_CHECKING:
    import optuna

MEND = (
    "configs/search/recommender.yaml shows the form: `section.name: [a, b]` or `{low: 1, high: 9}`."
)


@dataclass(frozen=True)
class Choice:
    """One of several values."""

    name: str
    values: tuple[Any, ...]

    def draw(self, trial: optuna.Trial) -> Any:
        """Asks the search for a value."""
        return trial.suggest_categorical(self.name, self.values)

    def holds(self, value: Any) -> bool:
        """Whether a value can be drawn."""
        return value in self.values


@dataclass(frozen=True)
class Range:
    """A number from `low` to `high`, both possible; whole where both are written so."""

    name: str
    low: float
    high: float
    log: bool = False  # each order of size is as likely as the next

    def draw(self, trial: optuna.Trial) -> Any:
        """Asks the search for a value."""
        if isinstance(self.low, int) and isinstance(self.high, int):
            return trial.suggest_int(self.name, self.low, self.high, log=self.log)
        return trial.suggest_float(self.name, self.low, self.high, log=self.log)

    def holds(self, value: Any) -> bool:
        """Whether a value can be drawn."""
        return isinstance(value, int | float) and self.low <= value <= self.high


def read_space(path: Path) -> list[Choice | Range]:
    """Reads a search space.

    Raises:
        ConfigError: the file cannot be read, or a line says neither values nor a range.
    """
    try:
        written = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"cannot read the search space: {error}.", where=str(path),
                          mend=MEND) from error  # fmt: skip
    if not isinstance(written, dict) or not written:
        raise ConfigError("a search space maps settings to values.", where=str(path), mend=MEND)
    return [_read(str(name), values, path) for name, values in written.items()]


def value_of(config: Config, name: str) -> Any:
    """The value of a setting by its dotted name.

    Raises:
        ConfigError: there is no such setting.
    """
    value: Any = config
    for part in name.split("."):
        if not hasattr(value, part):
            raise ConfigError(f"unknown setting `{name}`.", where="search space", mend=MEND)
        value = getattr(value, part)
    return value


def _read(name: str, values: Any, path: Path) -> Choice | Range:
    if isinstance(values, list) and values:
        return Choice(name, tuple(values))
    numbers = isinstance(values, dict) and {"low", "high"} <= set(values) <= {"low", "high", "log"}
    if numbers and all(isinstance(values[end], int | float) for end in ("low", "high")):
        found = Range(name, values["low"], values["high"], bool(values.get("log", False)))
        if found.low < found.high and not (found.log and found.low <= 0):
            return found
    raise ConfigError(f"`{name}` has neither values nor a range that can be drawn from.",
                      where=str(path), mend=MEND)  # fmt: skip
