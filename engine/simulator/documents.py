"""Rim. Writes continuity of care documents (C-CDA) about the synthetic patients: problems with one
that is denied, allergies, medications, results, vital signs.

Deterministic: what a patient has comes from the patient's number, so that every document of a
patient tells the same problems under the same ids. `DOCUMENT_MISTAKES` are those real senders make.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from xml.sax.saxutils import escape, quoteattr

from engine.simulator.people import Person

NORTH = "2.16.840.1.113883.3.9999.1"
"""The hospital; its patients' numbers are assigned under `.4`, as its admissions say."""
SNOMED, LOINC, RXNORM = (
    "2.16.840.1.113883.6.96",
    "2.16.840.1.113883.6.1",
    "2.16.840.1.113883.6.88",
)
T = TypeVar("T")
TEMPLATES = "2.16.840.1.113883.10.20.22"

PROBLEMS = (
    ("38341003", "Hypertension"), ("195967001", "Asthma"), ("84114007", "Heart failure"),
    ("13645005", "Chronic obstructive lung disease"), ("396275006", "Osteoarthritis"),
)  # fmt: skip
ALLERGENS = (("7980", "Penicillin G"), ("1191", "Aspirin"), ("2670", "Codeine"))
DRUGS = (
    ("314076", "Lisinopril 10 MG Oral Tablet", 24), ("861007", "Metformin 500 MG Oral Tablet", 12),
    ("197361", "Amlodipine 5 MG Oral Tablet", 24),
)  # fmt: skip
DIABETES = ("73211009", "Diabetes mellitus")

DOCUMENT_MISTAKES = {
    "cut-short": "the document ends in the middle, so it is refused",
    "undeclared-prefix": "sdtc: is used and not declared",
    "dangling-reference": "a reference to narrative that is not there",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """What all parts of one document are written from."""

    person: Person
    number: int
    stamp: str

    def id(self, kind: str) -> str:
        """An id that stays the same in every document of the patient."""
        return f'<id root="{NORTH}.9" extension="{self.person.mrn}-{kind}"/>'

    def pick(self, choices: Sequence[T]) -> T:
        """What this patient has of several."""
        return choices[self.person.number % len(choices)]


def make_document(
    person: Person, *, number: int, written: datetime, mistake: str | None = None
) -> bytes:
    """A document about a patient.

    Args:
        person: the patient.
        number: of the document, its own.
        written: when, UTC.
        mistake: one of `DOCUMENT_MISTAKES`.
    """
    scene = _Scene(person=person, number=number, stamp=written.strftime("%Y%m%d%H%M%S") + "+0000")
    sections = "".join(write(scene) for write in _SECTIONS)
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:sdtc="urn:hl7-org:sdtc"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n'
        f"{_header(scene)}<component><structuredBody>\n{sections}"
        "</structuredBody></component></ClinicalDocument>\n"
    )
    if mistake == "undeclared-prefix":
        text = text.replace(' xmlns:sdtc="urn:hl7-org:sdtc"', "", 1)
    elif mistake == "dangling-reference":
        text = text.replace('<reference value="#problem1"/>', '<reference value="#problem9"/>')
    data = text.encode("utf-8")
    return data[: len(data) * 2 // 3] if mistake == "cut-short" else data


def _header(scene: _Scene) -> str:
    person, stamp = scene.person, scene.stamp
    npi, family, given = person.doctor
    city, state, code = person.city
    return f"""\
<realmCode code="US"/><typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>
<templateId root="{TEMPLATES}.1.1" extension="2015-08-01"/>
<templateId root="{TEMPLATES}.1.2" extension="2015-08-01"/>
<id root="{NORTH}.8" extension="CCD{scene.number:06d}"/>
<code code="34133-9" codeSystem="{LOINC}" displayName="Summarization of episode note"/>
<title>Continuity of care document</title><effectiveTime value="{stamp}"/>
<confidentialityCode code="N" codeSystem="2.16.840.1.113883.5.25"/><languageCode code="en-US"/>
<recordTarget><patientRole><id root="{NORTH}.4" extension="{person.mrn}"/>
<addr use="HP"><streetAddressLine>{escape(person.street)}</streetAddressLine><city>{city}</city>
<state>{state}</state><postalCode>{code}</postalCode><country>US</country></addr>
<telecom use="HP" value="tel:+1-555-{person.phone[3:]}"/>
<patient><name use="L"><given>{person.given}</given><family>{escape(person.family)}</family></name>
<administrativeGenderCode code="{person.sex}" codeSystem="2.16.840.1.113883.5.1"/>
<birthTime value="{person.birth_date}"/><sdtc:deceasedInd value="false"/></patient>
</patientRole></recordTarget>
<author><time value="{stamp}"/><assignedAuthor><id root="2.16.840.1.113883.4.6" extension="{npi}"/>
<addr nullFlavor="NI"/><telecom nullFlavor="NI"/>
<assignedPerson><name><given>{given}</given><family>{family}</family></name></assignedPerson>
</assignedAuthor></author>
<custodian><assignedCustodian><representedCustodianOrganization><id root="{NORTH}"/>
<name>North Hospital</name><telecom nullFlavor="NI"/><addr nullFlavor="NI"/>
</representedCustodianOrganization></assignedCustodian></custodian>
<documentationOf><serviceEvent classCode="PCPR"><effectiveTime><low value="2020"/>
<high value="{stamp[:8]}"/></effectiveTime></serviceEvent></documentationOf>
"""


def _section(template: str, code: str, title: str, rows: Sequence[str], entries: str) -> str:
    listed = "".join(f"<item>{row}</item>" for row in rows)
    return (
        f'<component><section><templateId root="{TEMPLATES}.{template}"/>'
        f'<templateId root="{TEMPLATES}.{template}" extension="2015-08-01"/>'
        f'<code code="{code}" codeSystem="{LOINC}"/><title>{title}</title>'
        f"<text><list>{listed}</list></text>\n{entries}</section></component>\n"
    )


def _coded(element: str, code: str, system: str, name: str, *, row: str = "") -> str:
    """A code; with a row, what that row of the narrative says in words too."""
    kind = ' xsi:type="CD"' if element == "value" else ""
    words = f'<originalText><reference value="#{row}"/></originalText>' if row else ""
    return (
        f'<{element}{kind} code="{code}" codeSystem="{system}" displayName={quoteattr(name)}'
        f">{words}</{element}>"
    )


def _narrated(row: str, words: str) -> str:
    return f'<content ID="{row}">{escape(words)}</content>'


def _problems(scene: _Scene) -> str:
    code, name = scene.pick(PROBLEMS)
    rows = (_narrated("problem1", name), _narrated("problem2", f"No {DIABETES[1].lower()}"))
    entries = _problem(scene, 1, code, name, "") + _problem(
        scene, 2, *DIABETES, ' negationInd="true"'
    )
    return _section("2.5.1", "11450-4", "Problems", rows, entries)


def _problem(scene: _Scene, row: int, code: str, name: str, negation: str) -> str:
    since = f"{2010 + scene.person.number % 12}0301"
    return f"""\
<entry typeCode="DRIV"><act classCode="ACT" moodCode="EVN"><templateId root="{TEMPLATES}.4.3"/>
{scene.id(f"concern{row}")}<code code="CONC" codeSystem="2.16.840.1.113883.5.6"/>
<statusCode code="active"/><effectiveTime><low value="{since}"/></effectiveTime>
<entryRelationship typeCode="SUBJ"><observation classCode="OBS" moodCode="EVN"{negation}>
<templateId root="{TEMPLATES}.4.4"/>{scene.id(f"problem{row}")}
<code code="55607006" codeSystem="{SNOMED}" displayName="Problem"/>
<text><reference value="#problem{row}"/></text><statusCode code="completed"/>
<effectiveTime><low value="{since}"/></effectiveTime>
{_coded("value", code, SNOMED, name, row=f"problem{row}")}
</observation></entryRelationship></act></entry>
"""


def _allergies(scene: _Scene) -> str:
    code, name = scene.pick(ALLERGENS)
    entry = f"""\
<entry typeCode="DRIV"><act classCode="ACT" moodCode="EVN"><templateId root="{TEMPLATES}.4.30"/>
{scene.id("concern-allergy")}<code code="CONC" codeSystem="2.16.840.1.113883.5.6"/>
<statusCode code="active"/><effectiveTime><low value="2015"/></effectiveTime>
<entryRelationship typeCode="SUBJ"><observation classCode="OBS" moodCode="EVN">
<templateId root="{TEMPLATES}.4.7"/>{scene.id("allergy")}
<code code="ASSERTION" codeSystem="2.16.840.1.113883.5.4"/>
<text><reference value="#allergy1"/></text><statusCode code="completed"/>
<effectiveTime><low value="2015"/></effectiveTime>
{_coded("value", "416098002", SNOMED, "Allergy to drug")}
<participant typeCode="CSM"><participantRole classCode="MANU"><playingEntity classCode="MMAT">
{_coded("code", code, RXNORM, name)}</playingEntity></participantRole></participant>
</observation></entryRelationship></act></entry>
"""
    rows = (_narrated("allergy1", name),)
    return _section("2.6.1", "48765-2", "Allergies and intolerances", rows, entry)


def _medications(scene: _Scene) -> str:
    code, name, hours = scene.pick(DRUGS)
    entry = f"""\
<entry typeCode="DRIV"><substanceAdministration classCode="SBADM" moodCode="EVN">
<templateId root="{TEMPLATES}.4.16"/>{scene.id("medication")}
<text><reference value="#medication1"/></text><statusCode code="active"/>
<effectiveTime xsi:type="IVL_TS"><low value="20240115"/></effectiveTime>
<effectiveTime xsi:type="PIVL_TS" operator="A"><period value="{hours}" unit="h"/></effectiveTime>
<routeCode code="C38288" codeSystem="2.16.840.1.113883.3.26.1.1" displayName="Oral"/>
<doseQuantity value="1"/>
<consumable><manufacturedProduct classCode="MANU"><templateId root="{TEMPLATES}.4.23"/>
<manufacturedMaterial>{_coded("code", code, RXNORM, name, row="medication1")}
</manufacturedMaterial>
</manufacturedProduct></consumable></substanceAdministration></entry>
"""
    rows = (_narrated("medication1", name) + f", 1 every {hours} hours",)
    return _section("2.1.1", "10160-0", "Medications", rows, entry)


def _results(scene: _Scene) -> str:
    tests = (("2345-7", "Glucose", 80 + scene.number % 90), ("718-7", "Hemoglobin", 13))
    units = {"2345-7": "mg/dL", "718-7": "g/dL"}
    components = "".join(
        _measured(scene, f"result{scene.number}-{index}", "4.2", code, name, value, units[code])
        for index, (code, name, value) in enumerate(tests, 1)
    )
    entry = f"""\
<entry typeCode="DRIV"><organizer classCode="BATTERY" moodCode="EVN">
<templateId root="{TEMPLATES}.4.1"/>{scene.id(f"panel{scene.number}")}
{_coded("code", "24323-8", LOINC, "Comprehensive metabolic panel")}
<statusCode code="completed"/>
{components}</organizer></entry>
"""
    rows = [f"{name}: {value} {units[code]}" for code, name, value in tests]
    return _section("2.3.1", "30954-2", "Results", rows, entry)


def _vital_signs(scene: _Scene) -> str:
    tests = (
        ("8867-4", "Heart rate", 60 + scene.number % 40, "/min"),
        ("29463-7", "Body weight", 55 + scene.person.number, "kg"),
    )
    components = "".join(
        _measured(scene, f"sign{scene.number}-{index}", "4.27", *test)
        for index, test in enumerate(tests, 1)
    )
    entry = f"""\
<entry typeCode="DRIV"><organizer classCode="CLUSTER" moodCode="EVN">
<templateId root="{TEMPLATES}.4.26"/>{scene.id(f"signs{scene.number}")}
{_coded("code", "46680005", SNOMED, "Vital signs")}<statusCode code="completed"/>
<effectiveTime value="{scene.stamp}"/>
{components}</organizer></entry>
"""
    rows = [f"{name}: {value} {unit}" for _, name, value, unit in tests]
    return _section("2.4.1", "8716-3", "Vital signs", rows, entry)


def _measured(
    scene: _Scene, kind: str, template: str, code: str, name: str, value: int, unit: str
) -> str:
    return f"""\
<component><observation classCode="OBS" moodCode="EVN"><templateId root="{TEMPLATES}.{template}"/>
{scene.id(kind)}{_coded("code", code, LOINC, name)}<statusCode code="completed"/>
<effectiveTime value="{scene.stamp}"/><value xsi:type="PQ" value="{value}" unit="{unit}"/>
</observation></component>
"""


_SECTIONS: tuple[Callable[[_Scene], str], ...] = (
    _problems,
    _allergies,
    _medications,
    _results,
    _vital_signs,
)
