"""Who is answered by which bundle."""

from __future__ import annotations

import pytest

from recsys.errors import ArtifactError, DataError
from recsys.workdir import Workdir
from serving.traffic import Traffic, load_traffic, save_traffic, traffic_file


def test_shares_are_kept_and_a_user_stays():
    traffic = Traffic(shares={7: 0.25})
    answered = [traffic.version_for(f"user {n}", main=6) for n in range(4000)]
    # 1000 expected; the standard deviation is sqrt(4000 * 0.25 * 0.75) = 27
    assert 890 < answered.count(7) < 1110
    assert answered.count(6) + answered.count(7) == 4000
    assert answered == [traffic.version_for(f"user {n}", main=6) for n in range(4000)]


def test_a_larger_share_takes_nobody_away():
    small, large = Traffic(shares={7: 0.1}), Traffic(shares={7: 0.2})
    users = [f"user {n}" for n in range(500)]
    for user in users:
        if small.version_for(user, 6) == 7:
            assert large.version_for(user, 6) == 7


def test_another_salt_deals_anew():
    users = [f"user {n}" for n in range(200)]
    one, other = Traffic(shares={7: 0.5}), Traffic(shares={7: 0.5}, salt="b")
    assert [one.version_for(u, 6) for u in users] != [other.version_for(u, 6) for u in users]


def test_nobody_in_particular_gets_the_main_bundle():
    assert Traffic(shares={7: 0.99}).version_for(None, 6) == 6


def test_a_choice_survives(tmp_path):
    workdir = Workdir(tmp_path)
    assert load_traffic(workdir) == Traffic()
    traffic = Traffic(pinned=3, serving=3).shared_with(4, 0.1)
    save_traffic(workdir, traffic)
    assert load_traffic(workdir) == traffic
    assert traffic.kept == {3, 4}
    assert traffic.served_by(None) == Traffic(serving=3)


def test_a_damaged_choice_is_an_error_with_its_cure(tmp_path):
    workdir = Workdir(tmp_path)
    traffic_file(workdir).write_text("[]")
    with pytest.raises(ArtifactError, match="Delete it"):
        load_traffic(workdir)


@pytest.mark.parametrize("share", [0, 1, -0.1, float("nan")])
def test_a_share_lies_between_none_and_all(share):
    with pytest.raises(DataError):
        Traffic().shared_with(4, share)
