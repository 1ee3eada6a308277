"""Work stops at a moment that was set from outside, and only there."""

import pytest

from recsys.deadline import deadline, stop_if_late
from recsys.errors import OutOfTimeError


def test_work_goes_on_where_no_end_was_set():
    stop_if_late("nothing")
    with deadline(0):
        stop_if_late("nothing")


def test_it_stops_once_the_minutes_are_over_and_says_what_is_kept():
    with deadline(1e-9), pytest.raises(OutOfTimeError, match="2 parts are kept"):
        stop_if_late("2 parts are kept")


def test_the_end_is_that_of_the_command_that_set_it():
    with deadline(60):
        stop_if_late("nothing")
        with deadline(1e-9), pytest.raises(OutOfTimeError):
            stop_if_late("nothing")
        stop_if_late("nothing")
    stop_if_late("nothing")
