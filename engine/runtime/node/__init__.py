"""Rim. The node: supervisor, processes, reload, health."""
