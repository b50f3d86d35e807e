"""Rim. Where messages enter: MLLP, HTTP, directories."""
