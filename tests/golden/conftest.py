"""The golden tests use the `--update` option of tests/conftest.py."""
