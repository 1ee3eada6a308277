"""Photos by HTTP: asked before they are read, from a server that stalls, drops, leads on, lies."""

from __future__ import annotations

import email.utils
import hashlib
import time

import pytest

from embeddings.http_source import fetch_http
from embeddings.photo_state import EMPTY, Read, Unchanged
from embeddings.retries import Patience, TransientError
from recsys.config import SourcesConfig
from recsys.errors import PhotoError
from tests.embeddings.photo_server import photo_server

PHOTO = bytes(range(256)) * 40  # 10,240 bytes
IMPATIENT = SourcesConfig(timeout_seconds=0.2, total_seconds=0.5)


@pytest.fixture(scope="module")
def server():
    with photo_server() as server:
        yield server


def get(server, answer=None, state=EMPTY, path="/p.jpg", settings=IMPATIENT, max_bytes=100_000):
    if answer is not None:
        server.answers[path] = answer
    patience = Patience(settings.total_seconds)
    return fetch_http(server.url(path), state, settings, max_bytes, patience)


def refused(server, answer, **options):
    """The reason and the words of a failure that another try would meet again."""
    with pytest.raises(PhotoError) as caught:
        get(server, answer, **options)
    assert caught.value.where == server.url("/p.jpg")
    assert caught.value.mend
    return caught.value.reason, caught.value.what


def failed(server, answer, **options):
    """The reason and the words of a failure that may pass."""
    with pytest.raises(TransientError) as caught:
        get(server, answer, **options)
    assert caught.value.error.where == server.url("/p.jpg")
    return caught.value.error.reason, caught.value.error.what


def test_a_photo_comes_with_its_hash_and_what_its_server_calls_it(server):
    fetched = get(server, lambda h: h.send(PHOTO, ETag='"v1"', Last_Modified="Mon"))
    assert isinstance(fetched, Read)
    assert fetched.data == PHOTO
    assert fetched.state.sha256 == hashlib.sha256(PHOTO).hexdigest()
    assert (fetched.state.size, fetched.state.etag) == (10_240, '"v1"')
    assert fetched.state.last_modified == "Mon"
    assert fetched.state.checked_at == pytest.approx(time.time(), abs=60)


def test_an_unchanged_photo_is_not_sent_again(server):
    state = get(server, PHOTO).state
    again = get(server, PHOTO, state.failed(PhotoError("", reason="unreachable")))
    assert isinstance(again, Unchanged)
    assert (again.state.sha256, again.state.failures) == (state.sha256, 0)
    changed = get(server, PHOTO[::-1], again.state)
    assert isinstance(changed, Read)
    assert changed.state.etag != state.etag


def test_without_an_etag_its_date_is_asked_for(server):
    def answer(handler):
        known = handler.headers.get("If-Modified-Since") == "Mon, 02 Nov 2026 00:00:00 GMT"
        handler.send(b"" if known else PHOTO, 304 if known else 200,
                     Last_Modified="Mon, 02 Nov 2026 00:00:00 GMT")  # fmt: skip

    state = get(server, answer).state
    assert isinstance(get(server, answer, state), Unchanged)


def test_who_knows_nothing_asks_without_a_condition_and_takes_no_304(server):
    assert refused(server, lambda h: h.status(304))[0] == "unreadable"
    assert not {"If-None-Match", "If-Modified-Since"} & set(server.headers["/p.jpg"])


def test_one_connection_serves_many_photos(server):
    state = get(server, PHOTO).state
    before = server.connections
    for _ in range(5):
        get(server, PHOTO)
        get(server, PHOTO, state)
    assert server.connections == before


def test_a_body_in_chunks_is_read(server):
    def answer(handler):
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"5\r\nabcde\r\n3\r\nfgh\r\n0\r\n\r\n")

    assert get(server, answer).data == b"abcdefgh"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed(server, status):
    server.answers["/there.jpg"] = PHOTO
    assert get(server, lambda h: h.status(status, Location="/there.jpg")).data == PHOTO


def test_redirects_end(server):
    server.asked.clear()
    reason, what = refused(server, lambda h: h.status(302, Location="/p.jpg"))
    assert (reason, server.asked["/p.jpg"]) == ("redirected", IMPATIENT.max_redirects + 1)
    assert "more than 5 redirects" in what


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://x/p.jpg", "http://[x/p.jpg"])
def test_a_redirect_leads_to_web_addresses_only(server, target):
    reason, what = refused(server, lambda h: h.status(302, Location=target))
    assert reason == "redirected"
    assert target in what


@pytest.mark.parametrize(
    ("status", "reason"),
    [(404, "missing"), (410, "missing"), (401, "forbidden"), (403, "forbidden"),
     (204, "unreadable"), (206, "unreadable"), (400, "unreadable")],
)  # fmt: skip
def test_what_will_not_pass_is_not_tried_again(server, status, reason):
    assert refused(server, lambda h: h.status(status))[0] == reason


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_may_pass_is(server, status):
    assert failed(server, lambda h: h.status(status)) == (
        "server_error", f"the server answers {status}.")  # fmt: skip


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7), ("soon", 0), ("-3", 0), ("Thu, 01 Jan 1970 00:00:00 GMT", 0)],
)
def test_a_server_may_say_when_to_come_back(server, header, seconds):
    with pytest.raises(TransientError) as caught:
        get(server, lambda h: h.status(503, Retry_After=header))
    assert caught.value.wait == seconds


def test_a_server_may_say_a_time_of_day(server):
    later = email.utils.formatdate(time.time() + 500, usegmt=True)
    with pytest.raises(TransientError) as caught:
        get(server, lambda h: h.status(503, Retry_After=later))
    assert caught.value.wait == pytest.approx(500, abs=90)


def test_a_dropped_connection_may_pass(server):
    assert failed(server, lambda h: h.hang_up())[0] == "unreachable"
    assert failed(server, lambda h: h.hang_up(rudely=True))[0] == "unreachable"


def test_nobody_at_home_may_pass(server):
    with pytest.raises(TransientError) as caught:
        fetch_http("http://127.0.0.1:9/p.jpg", EMPTY, IMPATIENT, 10, Patience(1))
    assert caught.value.error.reason == "unreachable"
    assert "Connection refused" in caught.value.error.what


def test_less_than_said_is_refused(server):
    def answer(handler):
        handler.begin(length=1000)
        handler.wfile.write(b"a" * 10)
        handler.hang_up()

    reason, what = failed(server, answer)
    assert reason == "incomplete"
    assert "10 bytes read, 990 more expected" in what


@pytest.mark.parametrize("said", [100, 10_237])
def test_more_than_said_is_refused_and_is_not_the_next_photo(server, said):
    assert failed(server, lambda h: h.send(PHOTO, length=said)) == (
        "incomplete", f"the server says {said} bytes and sends more.")  # fmt: skip
    assert get(server, PHOTO).data == PHOTO


def test_a_length_that_is_too_large_is_not_waited_for(server):
    began = time.monotonic()
    patient = SourcesConfig(timeout_seconds=30)
    answer = lambda h: (h.begin(10**9), time.sleep(0.2), h.hang_up())  # noqa: E731
    assert refused(server, answer, max_bytes=100, settings=patient)[0] == "too_large"
    assert time.monotonic() - began < 15


def test_a_body_without_end_is_left_when_it_is_too_large(server):
    def answer(handler):
        handler.send_response(200)
        handler.end_headers()
        for _ in range(1000):
            handler.wfile.write(PHOTO)

    assert refused(server, answer)[0] == "too_large"


def test_an_empty_body_is_empty(server):
    assert refused(server, lambda h: h.send(b""))[0] == "empty"


def test_silence_ends_a_try(server):
    assert failed(server, lambda h: time.sleep(0.4)) == (
        "timed_out", "the server says nothing for 0.2 s.")  # fmt: skip

    def answer(handler):
        handler.begin(length=100)
        time.sleep(0.4)

    assert failed(server, answer)[0] == "timed_out"


def slow_head(handler):
    handler.drip(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100, 0.05)


def slow_body(handler):
    handler.begin(length=1000)
    handler.drip(b"a" * 100, 0.05)


def slow_chunks(handler):
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.drip(b"0" * 100, 0.05)


def slow_without_length(handler):
    handler.send_response(200)
    handler.end_headers()
    handler.drip(b"a" * 100, 0.05)


@pytest.mark.parametrize("answer", [slow_head, slow_body, slow_chunks, slow_without_length])
def test_a_byte_now_and_then_does_not_hold_a_photo_up(server, answer):
    began = time.monotonic()
    assert failed(server, answer) == ("timed_out", "the photo is not here after 0.5 s.")
    assert time.monotonic() - began < 4


@pytest.mark.parametrize("answer", [b"nonsense\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\r\n" * 9])
def test_what_is_no_http_is_an_error_of_ours(server, answer):
    def nonsense(handler):
        handler.wfile.write(answer)
        handler.hang_up()

    assert failed(server, nonsense)[0] == "unreachable"


@pytest.mark.parametrize("url", ["http:///p.jpg", "http://a b/p.jpg", "http://" + "a" * 300])
def test_what_is_no_address_is_an_error_of_ours(url):
    with pytest.raises((PhotoError, TransientError)):
        fetch_http(url, EMPTY, IMPATIENT, 10, Patience(0.5))


def test_spaces_and_umlauts_in_an_address_are_encoded(server):
    assert get(server, path="/a%20b%C3%A4.jpg", answer=PHOTO).data == PHOTO
    assert fetch_http(server.url("/a bä.jpg"), EMPTY, IMPATIENT, 10**5, Patience(1)).data == PHOTO
