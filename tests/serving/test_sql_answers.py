"""The table of answers belongs to the store's schema."""

from serving import sql_tables
from serving.sql_answers import answers_table


def test_it_shares_the_stores_metadata_and_names_no_user():
    assert sql_tables.metadata.tables["answers"] is answers_table
    assert "user_id" not in answers_table.c
