"""What is not HTTP gets a problem too, though no route ever sees it."""

from __future__ import annotations

import json
import uuid

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serving.api.problems import MEDIA_TYPE, TITLES

MOST_ADDRESS_BYTES = 65_536  # httptools' own limit


class HttpProtocol(HttpToolsProtocol):
    """uvicorn's protocol, whose own 400 is plain text."""

    def send_400_response(self, msg: str) -> None:
        """Answers what could not be read as a request, and closes the connection."""
        body = json.dumps({
            "type": "urn:vitrine:bad-request", "title": TITLES[400], "status": 400,
            "detail": "this is no HTTP request, or its address is too long.", "where": "",
            "mend": f"Keep addresses under {MOST_ADDRESS_BYTES} bytes; bodies may be longer.",
            "request_id": uuid.uuid4().hex,
        }).encode()  # fmt: skip
        head = (f"HTTP/1.1 400 Bad Request\r\ncontent-type: {MEDIA_TYPE}\r\n"
                f"content-length: {len(body)}\r\nx-content-type-options: nosniff\r\n"
                "connection: close\r\n\r\n")  # fmt: skip
        self.transport.write(head.encode() + body)
        self.transport.close()
