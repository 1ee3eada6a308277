"""`--engine` and `--address` stand for settings; `--set` has the last word."""

import pytest
import typer

from recsys.config import load_config
from vitrine.engine_option import with_engine


def settings(*arguments):
    config = load_config(None, with_engine(*arguments))
    return config.embed.engine, config.ray.train, config.ray.address


def test_neither_leaves_the_config_as_it_is():
    assert with_engine(None, None, None) is None
    assert with_engine(["train.epochs=3"], None, None) == ["train.epochs=3"]


def test_ray_embeds_and_trains_there():
    assert settings(None, "ray", None) == ("ray", True, "")
    assert settings(["embed.engine=ray"], "local", None) == ("ray", False, "")


def test_an_address_means_ray():
    # of digits and colons YAML would make a number
    assert settings(None, None, "10:20") == ("ray", True, "10:20")


@pytest.mark.parametrize("arguments", [(None, "spark", None), (None, "local", "10.0.0.1:6379")])
def test_what_makes_no_sense_is_refused(arguments):
    with pytest.raises(typer.BadParameter):
        with_engine(*arguments)
