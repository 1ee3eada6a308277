"""The store's schema, one revision per file; Alembic runs them when a store is opened."""
