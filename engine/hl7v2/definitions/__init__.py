"""Pure. The HL7 v2 dictionary: segments, fields, datatypes, tables and message grammars."""
