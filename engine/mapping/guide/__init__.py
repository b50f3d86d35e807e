"""Pure. HL7's v2-to-FHIR guide beside the maps: read, put into one form, compared."""
