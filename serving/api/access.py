"""Who asks, and what they may do: read, write or admin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import Depends, Request
from starlette.exceptions import HTTPException

from serving.api_keys import SCOPES


@dataclass(frozen=True)
class Principal:
    """Who a request is from.

    Attributes:
        key_id: the public part of the API key, empty where no key is asked for.
        scope: the most that this caller may do.
    """

    key_id: str
    scope: str

    def may(self, scope: str) -> bool:
        """Whether this caller's scope covers another."""
        return SCOPES.index(self.scope) >= SCOPES.index(scope)


LOCAL = Principal("", "admin")  # everybody, where no key is asked for


class AccessError(HTTPException):
    """The caller is not known (401) or may not do this (403)."""

    def __init__(self, status: int, what: str, mend: str) -> None:
        headers = {"WWW-Authenticate": 'Bearer realm="vitrine"'} if status == 401 else None
        super().__init__(status, what, headers)
        self.mend = mend


def principal_of(request: Request) -> Principal:
    """Who a request is from.

    Raises:
        AccessError: it has no key, and one is asked for.
    """
    principal = request.scope.get("state", {}).get("principal")
    if not isinstance(principal, Principal):
        raise AccessError(401, "this server asks for an API key",
                          "Send `Authorization: Bearer KEY`; `vitrine keys add` makes one."
                          )  # fmt: skip
    return principal


def needs(scope: str) -> Any:
    """A dependency that lets only callers of this scope or above through.

    Example:
        >>> router = APIRouter(dependencies=[needs("read")])
        >>> @router.post("/v1/events", dependencies=[needs("write")])  # doctest: +SKIP
    """
    if scope not in SCOPES:
        raise ValueError(f"unknown scope `{scope}`: one of {SCOPES}")

    def check(request: Request) -> None:
        principal = principal_of(request)
        if not principal.may(scope):
            raise AccessError(403, f"this key may {principal.scope}, and {scope} is needed",
                              f"`vitrine keys add --scope {scope}` makes one that may."
                              )  # fmt: skip

    return Depends(check)
