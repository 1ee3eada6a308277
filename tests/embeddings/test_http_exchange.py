"""One exchange at a time: when it ends, and what is left on the line."""

from __future__ import annotations

import os
import time

import pytest

from embeddings import http_exchange
from embeddings.http_exchange import exchange, open_url
from tests.embeddings.photo_server import photo_server


@pytest.fixture
def server():
    with photo_server() as server:
        yield server


def test_the_clock_stops_with_the_exchange(server):
    server.answers["/p"] = b"photo"
    with exchange(0.2) as current:
        assert open_url(server.url("/p")).read() == b"photo"
    time.sleep(0.3)
    assert not current.out_of_time
    with exchange(5):
        assert open_url(server.url("/p")).read() == b"photo"
    assert server.connections == 1


def test_surplus_is_noticed_and_only_then(server):
    server.answers |= {"/more": lambda h: h.send(b"photo", length=3), "/p": b"photo"}
    for path, surplus in (("/p", False), ("/more", True), ("/p", False)):
        with exchange(5) as current:
            open_url(server.url(path)).read()
        assert current.surplus == surplus, path


def test_the_environment_names_a_proxy(server, monkeypatch):
    server.answers["http://shop.example/p.jpg"] = b"by way of the proxy"
    monkeypatch.setenv("http_proxy", server.url(""))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert open_url("http://shop.example/p.jpg").read() == b"by way of the proxy"
    server.answers["/p.jpg"] = b"straight"
    assert open_url(server.url("/p.jpg")).read() == b"straight"


def test_a_child_process_opens_connections_of_its_own():
    parent = http_exchange._manager("", os.getpid())
    assert http_exchange._manager("", os.getpid()) is parent
    assert http_exchange._manager("", os.getpid() + 1) is not parent
