"""Pure. HL7 v2: delimiters, escapes, character sets, parser, groups, paths, acknowledgments."""
