"""Four shoppers and five items, few enough that every figure can be redone on paper."""

from __future__ import annotations

import numpy as np
import pandas as pd

# minute, shopper, item, kind; a day has 1440 minutes
LOG = [
    (0, "a", "lamp", "view"), (1, "a", "chair", "view"), (2, "a", "lamp", "cart"),
    (3, "a", "lamp", "purchase"), (3, "a", "chair", "purchase"),
    (10, "b", "lamp", "view"), (20, "b", "boot", "view"),
    (51, "b", "boot", "cart"),  # 31 minutes later: another session
    (1440, "c", "boot", "view"),
    (1440, "d", "lamp", "purchase"), (1440, "d", "chair", "purchase"),  # never viewed
    (2880, "a", "lamp", "view"), (2885, "a", "lamp", "purchase"),
]  # fmt: skip


def hand_events() -> pd.DataFrame:
    """The log as prepared interactions."""
    frame = pd.DataFrame(LOG, columns=["timestamp", "user_id", "item_id", "event"])
    return frame.assign(timestamp=frame["timestamp"] * 60.0, value=np.nan, request_id="")


def hand_catalog() -> pd.DataFrame:
    """The boot is withdrawn, the hat new, the sock without price and never touched."""
    rows = [("lamp", "Home", 10.0, True, np.nan), ("chair", "Home", 20.0, True, np.nan),
            ("boot", "Shoes", 30.0, False, np.nan), ("hat", "Hats", 40.0, True, 2880 * 60.0),
            ("sock", "Shoes", np.nan, True, np.nan)]  # fmt: skip
    names = ["item_id", "category", "price", "available", "created_at"]
    frame = pd.DataFrame(rows, columns=names)
    return frame.assign(title=[name.title() for name in frame["item_id"]], image="",
                        description="", brand="", split="train")  # fmt: skip
