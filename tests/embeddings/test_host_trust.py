"""A dead host costs one try per photo; a host that answers has all of them."""

from __future__ import annotations

import contextlib

import pytest

from embeddings import host_trust
from embeddings.host_trust import watched
from recsys.config import SourcesConfig
from recsys.errors import PhotoError

SETTINGS = SourcesConfig(tries=5, distrust_after=3)


@pytest.fixture(autouse=True)
def fresh():
    host_trust.forget_hosts()
    yield
    host_trust.forget_hosts()


def tries_of(host, reason=""):
    with contextlib.suppress(PhotoError), watched(host, SETTINGS) as tries:
        if reason:
            raise PhotoError("", reason=reason)
    return tries


def test_after_so_many_photos_without_an_answer_there_is_one_try():
    assert [tries_of("a", "timed_out") for _ in range(5)] == [5, 5, 5, 1, 1]
    assert tries_of("b") == 5


@pytest.mark.parametrize("reason", ["", "missing", "server_error"])
def test_an_answer_of_any_kind_brings_trust_back(reason):
    for _ in range(3):
        tries_of("a", "unreachable")
    assert [tries_of("a", reason), tries_of("a")] == [1, 5]
