"""Pure. The checker of maps: every path, target, table and type, before anything runs."""
