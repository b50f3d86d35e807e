"""Agreement of our Bundles with those other converters published: `python -m benchmarks.agreement`.

`docs/agreement.md` says what is measured. The modules named in `frozen.py` were frozen before the
maps were tuned; what was mended since is written there.
"""
