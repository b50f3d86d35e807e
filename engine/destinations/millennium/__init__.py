"""Rim. A Millennium tenant as a destination: composed calls executed, each exactly once."""
