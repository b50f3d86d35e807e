"""Rim. Code tables at the desk: what is missing, adding rows, taking snapshots."""
