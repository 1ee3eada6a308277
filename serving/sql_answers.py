"""The table of answers: what was shown, by which bundle, with which chance."""

from __future__ import annotations

import sqlalchemy as sa

from recsys import columns
from serving.sql_tables import metadata

# No user ids: an event that carries the request id says whose it was, and goes with its user.
answers_table = sa.Table(
    "answers", metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column(columns.REQUEST_ID, sa.Text, nullable=False),
    sa.Column(columns.TIMESTAMP, sa.Float, nullable=False),
    sa.Column("verb", sa.Text, nullable=False),  # recommend, similar_items or search
    sa.Column("bundle", sa.Text, nullable=False),  # its fingerprint
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("num_items", sa.Integer, nullable=False),
    sa.Column("share", sa.Float, nullable=False),  # serving.explore_share of the time
    # a JSON list: [item id] or, where a place may explore, [item id, explored, chance, choices]
    sa.Column("shown", sa.Text, nullable=False),
    sa.Index("answers_by_request", columns.REQUEST_ID),
    sa.Index("answers_by_time", columns.TIMESTAMP),
)  # fmt: skip
