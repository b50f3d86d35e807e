"""Pure. The compiler: maps become Python source, which is run."""
