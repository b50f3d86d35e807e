"""What becomes of every populated field of real messages: `python -m benchmarks.survival`.

Each leaf is replaced by a value of its own and looked for in the output. `docs/agreement.md` says
how that is counted.
"""
