"""Statements with authors of their own have a Provenance; others that of those around them."""

from converted_documents import convert_document

AUTHOR = (
    '<author><time value="{time}"/><assignedAuthor><id root="2.16.840.1.113883.19.5" '
    'extension="{who}"/><assignedPerson><name><family>{who}</family></name></assignedPerson>'
    "</assignedAuthor></author>"
)
CONCERN = (
    '<act classCode="ACT" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.3"/>'
    '{author}<entryRelationship typeCode="SUBJ">{first}</entryRelationship>'
    '<entryRelationship typeCode="SUBJ">{second}</entryRelationship></act>'
)
PROBLEM = (
    '<observation classCode="OBS" moodCode="EVN">'
    '<templateId root="2.16.840.1.113883.10.20.22.4.4"/>'
    '<id root="2.16.840.1.113883.19.5" extension="{id}"/>'
    '<value xsi:type="CD" code="{code}" codeSystem="2.16.840.1.113883.6.96"/>{author}</observation>'
)
DOCUMENT = (
    '<ClinicalDocument xmlns="urn:hl7-org:v3" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
    '<id root="2.16.840.1.113883.19.5" extension="D1"/>'
    '<effectiveTime value="20240101120000+0000"/>{author}'
    '<component><structuredBody><component><section><code code="11450-4"/><text/>'
    "<entry>{entry}</entry></section></component></structuredBody></component></ClinicalDocument>"
)


def _provenance(concern: str, first: str, second: str) -> dict[str, list[str]]:
    """Who wrote which problems, by the Provenances of statements."""
    entry = CONCERN.format(
        author=concern,
        first=PROBLEM.format(id="p1", code="38341003", author=first),
        second=PROBLEM.format(id="p2", code="44054006", author=second),
    )
    text = DOCUMENT.format(author=AUTHOR.format(time="20240101", who="Document"), entry=entry)
    made = {
        f"{one.resource['resourceType']}/{one.resource_id}": one.resource
        for one in convert_document("a test", text.encode()).entries
    }
    return {
        made[one["agent"][0]["who"]["reference"]]["name"][0]["family"]: [
            made[target["reference"]]["code"]["coding"][0]["code"] for target in one["target"]
        ]
        for one in made.values()
        if one["resourceType"] == "Provenance" and "occurredDateTime" in one
    }


def test_what_a_concern_holds_is_its_authors_unless_it_has_its_own() -> None:
    concern, own = AUTHOR.format(time="20240102", who="A"), AUTHOR.format(time="20240103", who="B")
    assert _provenance(concern, own, "") == {"A": ["44054006"], "B": ["38341003"]}


def test_statements_without_authors_have_only_the_documents_provenance() -> None:
    assert _provenance("", "", "") == {}
