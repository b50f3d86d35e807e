"""Pure. The R4 element definitions and value sets in compact form."""
