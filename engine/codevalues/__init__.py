"""Pure. Code values: what a code of a sender is called in a Millennium tenant, and in standards."""
