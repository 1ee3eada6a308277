"""One exchange at a time: when it ends, and what is left on the line."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
import time

import pytest
import urllib3

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


@pytest.fixture
def certificate(tmp_path):
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
               "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
               "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    return cert, key


def test_over_tls_a_certificate_is_checked_and_time_and_surplus_are_watched(
    server, certificate, monkeypatch
):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.answers |= {"/more": lambda h: h.send(b"photo", length=3), "/p": b"photo",
                       "/slow": lambda h: h.drip(b"HTTP/1.1 200 OK\r\n" * 9, 0.05)}  # fmt: skip
    url = server.url("").replace("http:", "https:")
    with exchange(5), pytest.raises(urllib3.exceptions.SSLError, match="self-signed"):
        open_url(f"{url}/p")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    http_exchange._manager.cache_clear()
    for path, surplus in (("/p", False), ("/more", True), ("/p", False)):
        with exchange(5) as current:
            open_url(url + path).read()
        assert current.surplus == surplus, path
    began = time.monotonic()
    with exchange(0.3) as current, pytest.raises(urllib3.exceptions.HTTPError):
        open_url(f"{url}/slow")
    assert current.out_of_time
    assert time.monotonic() - began < 5
    http_exchange._manager.cache_clear()
