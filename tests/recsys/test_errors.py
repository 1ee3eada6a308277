"""Errors say what, where and how to mend, on one line."""

import pickle

from recsys import errors
from recsys.errors import PhotoError, VitrineError


def test_the_line_has_where_what_and_mend_in_this_order():
    error = VitrineError("the file is empty.", where="a.csv", mend="Give another.")
    assert error.line == "a.csv: the file is empty. Give another."


def test_line_breaks_in_a_foreign_message_do_not_break_the_line():
    assert VitrineError("first\n  second").line == "first second"


def test_a_photo_error_carries_a_reason_to_count_by():
    assert PhotoError("it ends too early.", reason="truncated").reason == "truncated"


def test_an_error_comes_back_whole_from_another_process():
    error = PhotoError("it ends.", reason="truncated", where="a.jpg", mend="Upload it again.")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is PhotoError
    assert (again.line, vars(again)) == (error.line, vars(error))


def test_every_error_of_the_tree_is_drawn_at_the_top():
    tree = errors.__doc__ or ""
    classes = [name for name, value in vars(errors).items() if isinstance(value, type)]
    assert classes
    assert [name for name in classes if name not in tree] == []
