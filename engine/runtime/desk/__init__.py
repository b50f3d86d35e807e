"""Rim. What commands and console ask: the message log, the analyst's workbench."""
