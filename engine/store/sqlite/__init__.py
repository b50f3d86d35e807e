"""Rim. The store on SQLite: log segments and one state file."""
