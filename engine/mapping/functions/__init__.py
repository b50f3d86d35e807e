"""Pure. The named functions of the mapping language, one record each."""
