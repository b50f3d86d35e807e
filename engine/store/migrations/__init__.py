"""Rim. The steps that bring an older store up to date; a step that was shipped is never edited."""
