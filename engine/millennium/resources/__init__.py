"""Pure. What Millennium takes of each FHIR resource, and how it is changed there."""
