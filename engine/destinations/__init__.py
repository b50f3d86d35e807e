"""Rim. Where messages leave: FHIR over HTTP, MLLP, files."""
