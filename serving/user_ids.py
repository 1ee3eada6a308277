"""How user ids are stored: as they are, or as hashes that only the holder of a key can make."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from pathlib import Path

from recsys.errors import ConfigError

VARIABLE = "VITRINE_USER_KEY"
MIN_BYTES = 16  # of a key; a shorter one can be guessed

_STORED = re.compile(r"~[0-9a-f]{32}")


class UserIds:
    """The stored form of user ids.

    Args:
        key: the secret; empty stores the ids as they are.

    Example:
        >>> UserIds().stored("ann")
        'ann'
        >>> UserIds(b"0123456789abcdef").stored("ann")
        '~c00b0a0f6f5bcb483bf9dffdf876b4a1'
    """

    def __init__(self, key: bytes = b"") -> None:
        self._key = key

    @property
    def hashed(self) -> bool:
        """Whether ids are stored as hashes."""
        return bool(self._key)

    @property
    def check(self) -> str:
        """What tells one key from another and nothing else; empty without a key."""
        return self._digest("which key is this")[:16] if self._key else ""

    def stored(self, user_id: str) -> str:
        """The form that a user id is stored in; a stored form is its own."""
        if not self._key or _STORED.fullmatch(user_id):
            return user_id
        return f"~{self._digest(f'user {user_id}')[:32]}"

    def _digest(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()


def read_user_ids(key_file: str) -> UserIds:
    """The configured form: by the key in a file, else in VITRINE_USER_KEY, else as they are.

    Raises:
        ConfigError: the file cannot be read, or the key is too short.
    """
    where, key = f"the variable {VARIABLE}", os.environ.get(VARIABLE, "").encode()
    if key_file:
        where = f"security.user_key_file={key_file}"
        try:
            key = Path(key_file).read_bytes().strip()
        except OSError as error:
            raise ConfigError(f"the key of the user ids cannot be read: {error.strerror}.",
                              where=where, mend="Name a file that holds it.") from None  # fmt: skip
    if (key or key_file) and len(key) < MIN_BYTES:
        raise ConfigError(
            f"the key of the user ids has {len(key)} bytes, and at least {MIN_BYTES} are needed.",
            where=where, mend="Make one: `openssl rand -hex 32`.",
        )  # fmt: skip
    return UserIds(key)
