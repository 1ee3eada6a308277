"""The report's text and page: aligned, complete, and whole without parts."""

from __future__ import annotations

import json

from recsys.report import render_html, render_text


def _row(model: str, group: str, value: float, **more: float) -> dict:
    interval = {"mean": value, "low": value - 0.01, "high": value + 0.01}
    measures = dict.fromkeys(("ndcg@10", "recall@10", "recall@20", "mrr"), interval)
    return {"model": model, "group": group, "cases": 12, "users": 9, **measures, "coverage": 0.25,
            **more}  # fmt: skip


def _report(**changes) -> dict:
    protocol = {
        "name": "leave_last_out", "title": "leave-last-out", "cases": 12, "users": 9,
        "items_ranked": 1500, "seen_items": "masked",
        "peer_settings": {"popularity": {"half_life": "inf"}},
        "rows": [_row("two_tower", "all", 0.1), _row("popularity", "all", 0.02),
                 _row("two_tower", "cold items apart", 0.3, random=0.05, items=400),
                 _row("popularity", "cold items apart", 0.05, random=0.05, items=400)],
    }  # fmt: skip
    space = {"engine": "exact", "recall": 0.98, "scann_ms": 0.5, "exact_ms": 0.25}
    interval = {"mean": 0.9, "low": 0.85, "high": 0.95}
    return {
        "catalog": {"items": 1500, "users": 9, "events": 100, "items_touched": 90}, "k": 10,
        "training": {"best_epoch": 2, "validation_ndcg_at_10": 0.11, "seconds": 12.3,
                     "examples_per_second": 4567.0,
                     "epochs": [{"loss": 2.0, "validation_ndcg": 0.1},
                                {"loss": 1.0, "validation_ndcg": 0.11}]},
        "protocols": [protocol],
        "photo_retrieval": {"queries": 5, "gallery": 50, "categories": 3, "r@1": interval,
                            "p@10": interval, "map": interval},
        "index": {"k": 10, "spaces": {"photo": space}}, **changes,
    }  # fmt: skip


def test_the_text_is_aligned_and_has_every_figure():
    lines = render_text(_report()).splitlines()
    figures = [line for line in lines if "two-tower  " in line or "popularity" in line]
    assert len(figures) == 4 and len({len(line) for line in figures}) == 1
    assert "0.1000 [0.090, 0.110]" in figures[0]
    assert any("among 400 items, random Recall 0.050" in line for line in lines)
    assert any("R@1 0.9000 [0.850, 0.950]" in line for line in lines)
    assert any("recall@10 0.980" in line for line in lines)
    assert max(map(len, lines)) <= 130


def test_columns_stand_in_one_order_however_the_report_was_read():
    read_again = json.loads(json.dumps(_report(), sort_keys=True))
    assert render_text(read_again) == render_text(_report())


def test_a_short_report_compares_models_and_leaves_the_rest_to_the_page():
    whole, short = render_text(_report()), render_text(_report(), whole=False)
    assert set(short.splitlines()) <= set(whole.splitlines())
    assert "two-tower" in short
    assert "by segment" not in short


def test_parts_that_a_catalog_lacks_are_left_out():
    report = _report(protocols=[], training=None, photo_retrieval=None, index=None)
    assert render_text(report) == "1,500 items, 9 shoppers, 100 events"
    assert "<svg" not in render_html(report)


def test_a_training_without_validation_says_so():
    training = {**_report()["training"], "validation_ndcg_at_10": None}
    assert "no validation" in render_text(_report(training=training))
    assert "no validation" in render_html(_report(training=training))


def test_the_page_holds_its_plots_and_asks_for_nothing_else():
    page = render_html(_report())
    assert page.count("<svg") == 2
    assert "src=" not in page and 'href="http' not in page
    assert "1,500 items" in page and "cold items apart" in page
