"""Rim. A simulated Millennium: FHIR R4, token host and EHR API of several tenants on one port.

What it answers is what is documented, captured or reported of the real service; `behaviours.py`
lists each behaviour with its grade and source.
"""
