"""Resolution: every outcome, and that nothing is guessed."""

import pytest

from engine.codevalues.project import CodeValueFiles, read_code_value_files
from engine.codevalues.resolve import CodeValues, Outcome, problem_of
from engine.codevalues.snapshot import CodeValue, write_snapshot
from engine.diagnostics import Place, has_errors

TENANT = "tenant-a"
SNAPSHOT = "codevalues/snapshots/sandbox.csv"
EVENTS = "codevalues/aliases/LAB_A/72.csv"
HEAD = "alias,system,alias_meaning,target,display,comment\n"

VALUES = [
    CodeValue(code_set=72, value="2700101", display="Potassium Level", cki="CKI.EC!4001"),
    CodeValue(code_set=72, value="2700102", display="Glucose Level", cki="CKI.EC!4002"),
    CodeValue(
        code_set=72, value="2700103", display="Sodium (old)", cki="CKI.EC!4003", active=False
    ),
    CodeValue(code_set=72, value="2700104", display="Pulse"),
    CodeValue(code_set=72, value="2700105", display="Pulse"),
    CodeValue(code_set=72, value="2700106", display="Chloride"),
    CodeValue(code_set=72, value="2700107", display="Chloride", active=False),
    CodeValue(code_set=71, value="2710101", display="Inpatient", cdf_meaning="INPATIENT"),
    CodeValue(code_set=263, value="2630101", display="NORTH MRN"),
    CodeValue(code_set=73, value="7300101", display="LAB A", cdf_meaning="LABA"),
]


def taken(values: list[CodeValue] | None = None) -> str:
    return write_snapshot(
        VALUES if values is None else values,
        tenant=TENANT,
        taken_at="2026-01-05T14:30:00Z",
        source="ehr-api",
        code_sets=[71, 72, 73, 263],
    )


def site(rows: str, **more: str) -> CodeValueFiles:
    found, problems = read_code_value_files({EVENTS: HEAD + rows, SNAPSHOT: taken(), **more})
    assert not has_errors(problems)
    return found


def of_tenant(rows: str, **more: str) -> CodeValues:
    return site(rows, **more).for_tenant(TENANT, snapshot=SNAPSHOT)


def test_a_mapped_code_is_the_tenants_own_coding_alone_with_the_rows_it_rests_on() -> None:
    values = of_tenant("NA,,,cki:CKI.EC!9,,\nK,,,cki:CKI.EC!4001,Kalium,\n")
    found = values.resolve("K", code_set=72, contributor_source="LAB_A", display="Kalium")
    assert found.coding == {
        "system": f"https://fhir.cerner.com/{TENANT}/codeSet/72",
        "code": "2700101",
        "display": "Potassium Level",
        "userSelected": True,
    }
    sha = values.snapshot.sha256[:8] if values.snapshot else ""
    assert found.evidence == (
        f"{EVENTS}:3 -> cki:CKI.EC!4001 -> snapshot sandbox {sha} row 2700101"
    )


@pytest.mark.parametrize(
    ("rows", "code", "outcome"),
    [
        ("K,,,cki:CKI.EC!4001,,\n", "X", Outcome.UNMAPPED),
        ("K,,,cki:CKI.EC!4001,,\n", "k", Outcome.UNMAPPED),
        ("K,,,cki:CKI.EC!4001,,\nK,,,cki:CKI.EC!4002,,\n", "K", Outcome.AMBIGUOUS),
        ("K,,,cki:CKI.EC!4001,,\nK,,,cki:CKI.EC!4001,,\n", "K", Outcome.RESOLVED),
        ("K,,,cki:CKI.EC!4003,,\n", "K", Outcome.INACTIVE),
        ("K,,,cki:CKI.EC!9999,,\n", "K", Outcome.UNBOUND),
        ("K,,,meaning:INPATIENT,,\n", "K", Outcome.UNBOUND),
        ("P,,,display:pulse,,\n", "P", Outcome.AMBIGUOUS),
        ("C,,,display:CHLORIDE,,\n", "C", Outcome.RESOLVED),
    ],
)
def test_each_outcome_is_told_apart_and_only_one_has_a_coding(
    rows: str, code: str, outcome: Outcome
) -> None:
    found = of_tenant(rows).resolve(code, code_set=72, contributor_source="LAB_A")
    assert (found.outcome, found.coding is not None) == (outcome, outcome is Outcome.RESOLVED)


@pytest.mark.parametrize(
    ("system", "meaning", "value"),
    [
        ("", "", "2700101"),
        ("http://loinc.org", "", "2700102"),
        ("LN", "", "2700102"),
        ("http://snomed.info/sct", "", "2700101"),
        ("L", "", "2700101"),
        ("", "URINE", "2700106"),
        ("LN", "URINE", "2700102"),
    ],
)
def test_the_most_exact_row_of_a_code_applies(system: str, meaning: str, value: str) -> None:
    rows = "K,,,cki:CKI.EC!4001,,\nK,LN,,cki:CKI.EC!4002,,\nK,,URINE,display:Chloride,,\n"
    found = of_tenant(rows).resolve(
        "K", system, code_set=72, contributor_source="LAB_A", alias_meaning=meaning
    )
    assert found.coding is not None
    assert found.coding["code"] == value


def test_what_a_sender_leaves_unsaid_may_be_either_row_and_is_held() -> None:
    values = of_tenant("K,LN,,cki:CKI.EC!4001,,\nK,SCT,,cki:CKI.EC!4002,,\n")
    found = values.resolve("K", code_set=72, contributor_source="LAB_A")
    assert found.outcome is Outcome.AMBIGUOUS
    one = values.resolve("K", "LN", code_set=72, contributor_source="LAB_A")
    assert one.outcome is Outcome.RESOLVED


def test_sources_do_not_see_each_others_rows() -> None:
    found = of_tenant("K,,,cki:CKI.EC!4001,,\n").resolve(
        "K", code_set=72, contributor_source="LAB_B"
    )
    assert found.outcome is Outcome.UNMAPPED
    assert found.evidence == "no table codevalues/aliases/LAB_B/72.csv"


def test_without_a_snapshot_a_mapped_code_is_unbound() -> None:
    values = site("K,,,cki:CKI.EC!4001,,\n").for_tenant(TENANT)
    found = values.resolve("K", code_set=72, contributor_source="LAB_A")
    assert (found.outcome, found.coding) == (Outcome.UNBOUND, None)


def test_a_coding_of_the_tenant_itself_is_checked_and_passed_on_that_of_another_is_not() -> None:
    values = of_tenant("K,,,cki:CKI.EC!4001,,\n")

    def outcome(code: str, tenant: str, code_set: int) -> Outcome:
        system = f"https://fhir.cerner.com/{tenant}/codeSet/{code_set}"
        return values.resolve(code, system, code_set=72, contributor_source="LAB_A").outcome

    assert outcome("2700101", TENANT, 72) is Outcome.RESOLVED
    assert outcome("2700103", TENANT, 72) is Outcome.INACTIVE
    assert outcome("1", TENANT, 72) is Outcome.UNBOUND
    assert outcome("2710101", TENANT, 71) is Outcome.UNMAPPED
    assert outcome("2700101", "tenant-b", 72) is Outcome.UNMAPPED


def test_the_region_decides_the_host_of_the_code_system() -> None:
    values = site("").for_tenant(TENANT, region="au")
    assert values.system_of(72) == f"https://fhir.au.cerner.com/{TENANT}/codeSet/72"


def test_the_registry_names_alias_pool_and_contributor_source_portably() -> None:
    registry = (
        "authorities:\n  NORTH: {system: 'urn:oid:2.16.840.1.113883.3.9999.1.4',"
        " alias_pool: 'display:NORTH MRN'}\n"
        "contributor_sources:\n  LAB_A: meaning:LABA\n"
    )
    values = of_tenant("", **{"codevalues/registry.yaml": registry})
    for authority in ("NORTH", "urn:oid:2.16.840.1.113883.3.9999.1.4"):
        found = values.alias_pool(authority)
        assert found.coding is not None
        assert found.coding["code"] == "2630101"
    source = values.contributor_source("LAB_A")
    assert source.coding is not None
    assert source.coding["code"] == "7300101"
    assert values.alias_pool("SOUTH").outcome is Outcome.UNMAPPED


def test_the_diagnostic_names_field_code_set_and_command_and_not_the_code() -> None:
    values = of_tenant("K,,,cki:CKI.EC!4001,,\n")
    found = values.resolve("SECRETCODE", code_set=72, contributor_source="LAB_A")
    problem = problem_of(
        found, Place(path="Observation.code"), code_set=72, contributor_source="LAB_A"
    )
    assert problem is not None
    assert (problem.code, problem.place.path) == ("V840", "Observation.code")
    assert "code set 72" in problem.message
    assert "engine tables add LAB_A/72 CODE=TARGET" in (problem.hint or "")
    assert "SECRETCODE" not in f"{problem.message}{problem.hint}{found.evidence}"


def test_a_standard_is_found_by_local_code_and_by_code_value() -> None:
    standard = (
        "source_code,source_system,target_code,target_system,equivalence\n"
        "K,,2823-3,LN,\n"
        "cki:CKI.EC!4001,codeSet/72,2823-3,http://loinc.org,equal\n"
        "G,,1,LN,narrower\nA,,1,LN,\nA,,2,LN,wider\n"
    )
    values = of_tenant("", **{"codevalues/standard/lab.csv": standard})
    for code, system in (("K", ""), ("K", "L"), ("2700101", values.system_of(72))):
        found = values.standard(code, system, target="LOINC")
        assert found.coding == {"system": "http://loinc.org", "code": "2823-3"}
    assert values.standard("G", "", target="LN").outcome is Outcome.UNMAPPED
    assert values.standard("A", "", target="LN").outcome is Outcome.AMBIGUOUS
    assert values.standard("K", "", target="SNOMED CT").outcome is Outcome.UNMAPPED
    assert values.standard("2700104", values.system_of(72), target="LN").outcome is Outcome.UNMAPPED
    assert values.standard("9", values.system_of(72), target="LN").outcome is Outcome.UNBOUND
    sent = values.standard("2823-3", "LN", target="http://loinc.org")
    assert (sent.outcome, sent.evidence) == (Outcome.RESOLVED, "sent as such")
