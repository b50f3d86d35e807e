"""Rim. Watching: rhythms are learned, faults are seen, people are told of beginnings and ends."""
