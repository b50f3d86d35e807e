"""An interface engine for hospitals: HL7 v2 and C-CDA in, FHIR R4 and Oracle Health calls out."""

__version__ = "0.1.0"
