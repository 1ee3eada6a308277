"""Room for uploads: how many are held, and large ones one at a time."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack

import pytest

from recsys.config import Config
from recsys.errors import ServingError
from serving.api import decoders
from serving.api.decoders import Decoders
from tests.serving.fuzz.hostile import encoded, picture


def test_as_many_uploads_are_held_as_configured():
    room = Decoders(Config.model_validate({"serving": {"max_uploads": 2}}))
    with ExitStack() as held:
        held.enter_context(room.place())
        held.enter_context(room.place())
        with pytest.raises(ServingError, match="too many uploads"), room.place():
            pass
    with room.place():
        pass


@pytest.mark.parametrize(("side", "at_once"), [(40, 2), (60, 1)])
def test_a_photo_above_a_quarter_of_the_limit_is_decoded_alone(
    side: int, at_once: int, monkeypatch: pytest.MonkeyPatch
):
    # 10,000 pixels are accepted: 40 x 40 are less than a quarter, 60 x 60 are more
    settings = {"serving": {"decoders": 2, "max_upload_pixels": 10_000}}
    room, inside, most = Decoders(Config.model_validate(settings)), [], []

    def slow(*arguments: object) -> None:
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.05)
        inside.pop()

    monkeypatch.setattr(decoders, "decode_photo", slow)
    monkeypatch.setattr(decoders, "fit_photo", lambda *arguments: None)
    monkeypatch.setattr(decoders, "encode_png", lambda pixels: b"")
    data = encoded(picture(side, side), "PNG")
    threads = [threading.Thread(target=room.png, args=(data, 8, "pad")) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == at_once
