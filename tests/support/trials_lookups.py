"""The calls that look something up, and messages to staff, with right and wrong input."""

from simulated import FIN_SYSTEM, MRN_SYSTEM
from trial import LISTED, MISSING, Trial, Wrong

NPI = "http://hl7.org/fhir/sid/us-npi"
ORGANIZATIONS = "urn:oid:2.16.840.1.113883.3.9999.1"
NPI_POOL, FSI = "3322003", "3320004"
_BAD = {"code": "http-400"}
_ABSENT = Wrong(
    arguments={"id": "404404"},
    kind=MISSING,
    code="http-404",
    says="Millennium does not know the resource",
)
_LETTER = {
    "patientId": "p1",
    "messageSender": "4122622",
    "content": "The result is ready.",
    "subject": "Potassium",
}


def _unsent(what: str) -> Wrong:
    return Wrong(arguments={}, unsent=f"needs {what}")


TRIALS = {
    "patient.find": Trial(
        arguments={"identifier": f"{MRN_SYSTEM}|4711"},
        captures=(),
        answers={"total": 1, "entry.0.resource.id": "p1"},
        wrong={
            "no identifier": _unsent("identifier"),
            "two at once": Wrong(arguments={"identifier": f"{MRN_SYSTEM}|1,2"}, **_BAD),
        },
    ),
    "encounter.find": Trial(
        arguments={"identifier": f"{FIN_SYSTEM}|V1"},
        captures=(),
        answers={"total": 1, "entry.0.resource.id": "e1"},
        wrong={
            "no identifier": _unsent("identifier"),
            "no value": Wrong(arguments={"identifier": f"{FIN_SYSTEM}|"}, **_BAD),
        },
    ),
    "practitioner.find": Trial(
        arguments={"identifier": f"{NPI}|1003000126"},
        captures=(),
        answers={"total": 1, "entry.0.resource.id": "4122622"},
        wrong={
            "no identifier": _unsent("identifier"),
            "no system": Wrong(arguments={"identifier": "1003000126"}, **_BAD),
        },
    ),
    "organization.find": Trial(
        arguments={"identifier": f"{ORGANIZATIONS}|NORTH"},
        captures=(),
        answers={"total": 1, "entry.0.resource.id": "675844"},
        wrong={
            "no identifier": _unsent("identifier"),
            "an unknown system": Wrong(arguments={"identifier": "urn:oid:1.2.3|NORTH"}, **_BAD),
        },
    ),
    "location.find": Trial(
        arguments={"identifier": f"{FSI}|FSI^~NORTH^~MED"},
        captures=(),
        answers={"total": 1, "entry.0.resource.id": "21250403"},
        wrong={"no identifier": _unsent("identifier")},
    ),
    "location.byAlias": Trial(
        arguments={"source": FSI, "alias": "FSI^~NORTH^~MED"},
        captures=(),
        answers={"total": 1, "entry.0.resource.name": "North Hospital, MED"},
        wrong={
            "no source": Wrong(arguments={"alias": "FSI^~NORTH^~MED"}, unsent="needs source"),
            "no alias": Wrong(arguments={"source": FSI}, unsent="needs alias"),
        },
    ),
    "binary.read": Trial(
        arguments={"id": "b1"},
        captures=(),
        answers={"contentType": "application/pdf", "data": "JVBERi0xLjQ="},
        wrong={
            "one that is not there": _ABSENT,
            "another's path": Wrong(
                arguments={"id": "../Patient/p1"},
                kind=MISSING,
                code="http-404",
                says="Millennium does not know the resource",
            ),
            "no id": _unsent("id"),
        },
    ),
    "location.byId": Trial(
        arguments={"id": "21250403", "request_id": "engine-1"},
        captures=LISTED,
        answers={"name": "North Hospital, MED", "aliases.0.value": "FSI^~NORTH^~MED"},
        wrong={
            "one that is not there": _ABSENT,
            "no number": Wrong(arguments={"id": "MED"}, **_BAD),
            "no id": _unsent("id"),
        },
    ),
    "codeValues.byIds": Trial(
        arguments={"ids": ("21704910", "21705001", "1")},
        captures=LISTED,
        answers={"items.0.display": "Potassium Level", "items.1.codeSet": "72", "items.2": None},
        wrong={
            "none": _unsent("ids"),
            "too many": Wrong(
                arguments={"ids": tuple(str(number) for number in range(51))},
                unsent="takes 50 of ids at most",
            ),
        },
    ),
    "codeValues.bySet": Trial(
        arguments={"code_set": "72", "cki": ("CKI.EC!80001", "CKI.EC!80002")},
        captures=LISTED,
        answers={"items.0.id": "21704910", "items.1.id": "21705001", "items.2": None},
        wrong={
            "no set": _unsent("code_set"),
            "a set that is no number": Wrong(arguments={"code_set": "event codes"}, **_BAD),
            "filters of two kinds": Wrong(
                arguments={"code_set": "72", "cki": "CKI.EC!80001", "concept_cki": "LOINC!2823-3"},
                **_BAD,
            ),
        },
    ),
    "nomenclature.search": Trial(
        arguments={"group_id": "1", "group_type": "problem", "search": "hyper"},
        captures=LISTED,
        answers={"items.0.code": "38341003"},
        wrong={
            "nothing to look for": Wrong(
                arguments={"group_id": "1", "group_type": "problem"}, unsent="needs search"
            ),
            "a group there is not": Wrong(
                arguments={"group_id": "1", "group_type": "allergy", "search": "hyper"}, **_BAD
            ),
        },
    ),
    "personnel.byAlias": Trial(
        arguments={"alias": f"{NPI_POOL}$NPI|1003000126"},
        captures=LISTED,
        answers={"items.0.id": "4122622"},
        wrong={
            "no alias": _unsent("alias"),
            "no pool": Wrong(arguments={"alias": "NPI|1003000126"}, **_BAD),
            "a pool there is not": Wrong(arguments={"alias": "10$NPI|1003000126"}, **_BAD),
        },
    ),
    "personnel.byId": Trial(
        arguments={"id": "4122622"},
        captures=LISTED,
        answers={"names.0.lastName": "Hartmann"},
        wrong={"one who is not there": _ABSENT, "no id": _unsent("id")},
    ),
    "message.send": Trial(
        content=_LETTER,
        captures=LISTED,
        answers={"id": "12800001"},
        wrong={
            "no sender": Wrong(content={**_LETTER, "messageSender": ""}, **_BAD),
            "about nobody": Wrong(
                content={**_LETTER, "patientId": "404404"},
                kind=MISSING,
                code="http-404",
                says="Millennium does not know the resource",
            ),
            "no object": Wrong(content=["hello"], **_BAD),
            "a request id with two lines": Wrong(
                arguments={"request_id": "1\r\nX: 2"}, unsent="cannot be sent"
            ),
        },
    ),
}
