"""What becomes of items already consumed: masked, allowed or boosted, by the kind of event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from recsys.config import ModelConfig
from recsys.sequences import event_kinds

Setting = str | Mapping[str, str]  # one word for all kinds, or kind → word
DEFAULT: Literal["mask"] = "mask"  # of kinds that the mapping does not name


def word_for(setting: Setting, kind: str) -> str:
    """`mask`, `allow` or `boost` for a kind of event.

    Example:
        >>> word_for({"purchase": "boost"}, "view")
        'mask'
    """
    return setting if isinstance(setting, str) else setting.get(kind, DEFAULT)


def masked_kinds(config: ModelConfig) -> NDArray[np.bool_]:
    """Which kinds of events hide their item from then on, by number; 0 is an unknown kind."""
    return _are(config, "mask")


def boosted_kinds(config: ModelConfig) -> NDArray[np.bool_]:
    """Which kinds of events ask for their item again, by number; 0 is an unknown kind."""
    return _are(config, "boost")


def kinds_called(config: ModelConfig, word: str) -> list[str]:
    """The known kinds of events with a word."""
    names = event_kinds(config.event_weights)
    return [name for name in names if word_for(config.repeat_consumption, name) == word]


def _are(config: ModelConfig, word: str) -> NDArray[np.bool_]:
    kinds = ["", *event_kinds(config.event_weights)]
    return np.array([word_for(config.repeat_consumption, kind) == word for kind in kinds])
