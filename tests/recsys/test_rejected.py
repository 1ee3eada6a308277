"""Rejected rows: listed in order, counted by reason, and too many of them refused."""

import pandas as pd
import pytest

from recsys.config import DataConfig
from recsys.errors import DataError
from recsys.rejected import MENDS, Rejected, exceeded


def three_bad() -> Rejected:
    rejected = Rejected("catalog")
    rejected.add([7, 2], "bad_price", pd.Series(["g", "b"]), pd.Series(["$1", "-3"]))
    rejected.add([4], "repeated_item_id", pd.Series(["a"]))
    return rejected


def test_rows_are_listed_in_their_order():
    frame = three_bad().frame
    assert list(frame.columns) == ["table", "row", "item_id", "reason", "detail"]
    assert frame["row"].tolist() == [2, 4, 7]
    assert frame["detail"].tolist() == ["-3", "", "$1"]
    assert three_bad().counts == {"bad_price": 2, "repeated_item_id": 1}
    assert len(three_bad()) == 3


def test_no_rejected_row_is_an_empty_table_of_the_same_columns():
    frame = Rejected("events").frame
    assert len(frame) == 0
    assert list(frame.columns) == list(three_bad().frame.columns)


def test_as_many_as_allowed_pass():
    three_bad().refuse_if_too_many(
        30, DataConfig(max_bad_fraction=0.1), "c.csv", None
    )  # 3 of 30 is 0.1


def test_one_more_is_refused_with_the_reasons_and_a_list(tmp_path):
    listing = tmp_path / "new" / "rejected.csv"
    with pytest.raises(DataError) as caught:
        three_bad().refuse_if_too_many(29, DataConfig(max_bad_fraction=0.1), "c.csv", listing)
    assert "3 of 29 rows of the catalog" in caught.value.line
    assert "bad_price 2, repeated_item_id 1" in caught.value.line
    assert MENDS["bad_price"] in caught.value.line
    assert str(listing) in caught.value.line
    assert pd.read_csv(listing)["row"].tolist() == [2, 4, 7]


def test_all_rows_bad_is_refused_whatever_is_allowed():
    with pytest.raises(DataError, match="3 of 3"):
        three_bad().refuse_if_too_many(3, DataConfig(max_bad_fraction=1.0), "c.csv", None)


def test_events_of_items_that_left_have_a_limit_of_their_own():
    data = DataConfig(max_bad_fraction=0.1, max_unknown_items=0.4)
    assert exceeded({"unknown_item": 4, "bad_value": 1}, 10, data) == ""
    assert exceeded({"unknown_item": 5}, 10, data) == "max_unknown_items"
    assert exceeded({"unknown_item": 4, "bad_value": 2}, 10, data) == "max_bad_fraction"
    assert exceeded({"unknown_item": 1}, 1, DataConfig(max_unknown_items=1.0)) == "max_bad_fraction"
    assert exceeded({}, 0, data) == ""
