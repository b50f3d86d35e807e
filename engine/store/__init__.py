"""Rim. The durable message log and the processing state, on SQLite and PostgreSQL."""
