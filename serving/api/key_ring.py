"""The keys that the API knows, as of a moment ago."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Literal

from recsys.errors import VitrineError
from serving.api.access import LOCAL, Principal
from serving.api_keys import ApiKey, matching

FRESH_SECONDS = 1.0  # a key that was added or revoked is so everywhere after this long

_log = logging.getLogger("vitrine.api")


class KeyRing:
    """Says who a caller is.

    Args:
        read: all keys of the store.
        ask: `always`, `never`, or `auto`: where `exposed`, and once there is a key.
        exposed: whether others than this machine's programs can reach the API.
        clock: seconds that only go forward.
    """

    def __init__(
        self, read: Callable[[], list[ApiKey]], ask: Literal["auto", "always", "never"] = "auto",
        *, exposed: bool = False, clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._read, self._ask, self._exposed, self._clock = read, ask, exposed, clock
        self._keys: list[ApiKey] | None = None
        self._read_at = float("-inf")
        self._reading = threading.Lock()

    @property
    def stale(self) -> bool:
        """Whether `refresh` would read."""
        return self._clock() - self._read_at >= FRESH_SECONDS

    def refresh(self) -> None:
        """Reads the keys, unless they are fresh or being read; the last ones outlive a fault."""
        if not self._reading.acquire(blocking=self._keys is None):
            return
        try:
            if self.stale:
                self._read_at = self._clock()
                self._keys = self._read()
        except VitrineError as error:
            _log.warning("the API keys cannot be read: %s", error.line)
        finally:
            self._reading.release()

    def principal(self, presented: str) -> Principal | None:
        """Who presents this key; None is nobody that is known.

        Args:
            presented: the caller's key, or empty.
        """
        if self._keys is None:  # never read: nobody can be told from anybody
            return LOCAL if self._ask == "never" else None
        if presented:
            key = matching(presented, self._keys)
            return Principal(key.key_id, key.scope) if key else None
        return None if self._asked() else LOCAL

    def _asked(self) -> bool:
        # a revoked key counts: revoking the last one must not open the door to everybody
        return self._ask == "always" or (
            self._ask == "auto" and (self._exposed or bool(self._keys))
        )
