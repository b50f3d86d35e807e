"""Rim. The `engine` command, one file per verb."""
