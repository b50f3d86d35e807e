"""Rim. Preflight: what must hold outside the engine before messages go to a tenant. Report 6."""
