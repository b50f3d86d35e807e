"""Pure. The mapping language: reader, checker, compiler, functions, tables, trace."""
