"""Pure. Names and events for the dictionary script: what hl7apy lacks or names otherwise.

Source of the events: HL7 table 0354 (message structure) of versions 2.3.1 to 2.8.2. A trigger event
names its candidates in order; the first that exists in a version serves it there.
"""

import re
from typing import Any

GROUP_CORRECTIONS = (
    {
        # (structure, parent group, group): name. hl7apy reuses or varies these names between
        # versions; a map
        # reads one name in all of them, that of 2.5 or later.
        ("ORU_R01", "SPECIMEN", "PATIENT_OBSERVATION"): "SPECIMEN_OBSERVATION",
        ("ORU_R01", "", "RESPONSE"): "PATIENT_RESULT",
        ("ORU_R30", "", "PATIENT_OBSERVATION"): "OBSERVATION",
        ("PPR_PC1", "PROBLEM", "PATHWAY_OBSERVATION"): "PROBLEM_OBSERVATION",
        ("REF_I12", "", "AUTHORIZATION"): "AUTHORIZATION_CONTACT",
        ("REF_I12", "", "AUTHORIZATION_CONTACT1"): "AUTHORIZATION_CONTACT",
        ("REF_I12", "", "AUTHORIZATION_CONTACT2"): "AUTHORIZATION_CONTACT",
        ("REF_I12", "", "PROVIDER"): "PROVIDER_CONTACT",
        ("REF_I12", "", "RESULTS"): "OBSERVATION",
        ("REF_I12", "", "VISIT"): "PATIENT_VISIT",
        ("REF_I12", "PROCEDURE", "AUTHORIZATION_CONTACT2"): "AUTHORIZATION_CONTACT",
        ("RDE_O11", "ORDER_DETAIL", "COMPONENTS"): "COMPONENT",
        ("OML_O21", "ORDER", "TIIMING"): "TIMING",
        ("OML_O35", "ORDER", "TIIMING"): "TIMING",
        ("OUL_R22", "ORDER", "OBXTCDSIDNTE_SUPPGRP"): "RESULT",
        ("MDM_T02", "", "OBXNTE_SUPPGRP"): "OBSERVATION",
        ("DOC_T12", "", "EVNPIDPV1TXAOBX_SUPPGRP"): "RESULT",
        ("CSU_C09", "STUDY_SCHEDULE", "ORCRXARXR_SUPPGRP"): "STUDY_PHARM",
        ("CSU_C09", "STUDY_PHARM", "RXARXR_SUPPGRP"): "RX_ADMIN",
    }
    | {
        (structure, "PROCEDURE", "AUTCTD_SUPPGRP2"): "AUTHORIZATION_CONTACT"
        for structure in ("REF_I12", "RPA_I08", "RQA_I08", "RRI_I12")
    }
    | {
        # the OUL messages of 2.5.1
        (structure, parent, group): name
        for structure in ("OUL_R23", "OUL_R24")
        for parent, group, name in (
            ("", "PIDPD1NTE_SUPPGRP", "PATIENT"),
            ("", "PV1PV2_SUPPGRP", "VISIT"),
            ("", "SPMOBXSACINVOBRORCNTETQ1TQ2OBXTCDSIDNTECTI_SUPPGRP", "SPECIMEN"),
            ("ORDER", "TQ1TQ2_SUPPGRP", "TIMING_QTY"),
            ("ORDER", "SPMOBXSACINV_SUPPGRP", "SPECIMEN"),
            ("ORDER", "OBXTCDSIDNTE_SUPPGRP", "RESULT"),
        )
    }
)

DISSOLVED_GROUPS = {
    # (structure, parent group, group): 2.8 put ORC into a group of its own; a map reads
    # ORDER_OBSERVATION.ORC
    ("ORU_R01", "ORDER_OBSERVATION", "COMMON_ORDER"),
}

TWO_PATIENTS = ("ADT_A17", "ADT_A24", "ADT_A37")
"""Two sets of patient segments in a row without a group: PV2 of the second patient could be taken
for that of the first. They are written as the group PATIENT, as ADT_A17 of 2.1 has it."""

COMMON_ORDER: list[Any] = ["COMMON_ORDER", 0, -1, [["ORC", 1, 1], ["OBR", 0, 1], ["NTE", 0, -1]]]

SENT_BESIDES: dict[str, tuple[tuple[str, str, str | list[Any], str], ...]] = {
    # senders put what OML_O21 has into the older order, such as the mother of a newborn
    "ORM_O01": (
        ("2.3", "PATIENT", "NK1", "NTE"),
        ("2.5", "ORDER", "TQ1", "ORC"),
        ("2.5", "ORDER_DETAIL", "SPM", "OBSERVATION"),
    ),
    # a note on a whole group of resources, such as what to bring
    "SIU_S12": (("2.3", "RESOURCES", "NTE", "RGS"),),
    # the order a document is about, which 2.5 has
    "MDM_T01": (("2.3", "", COMMON_ORDER, "PV1"),),
    "MDM_T02": (("2.3", "", COMMON_ORDER, "PV1"),),
}
"""By structure, (first version, group, segment or group, what it follows): what is met in messages
where the standard never added it, or only later."""

SHORT_NAMES: dict[tuple[str, int], str] = {
    # (datatype, component number): the word used in selectors such as PID-3[type=MR]
    ("CX", 1): "id",
    ("CX", 2): "checkDigit",
    ("CX", 3): "scheme",
    ("CX", 4): "authority",
    ("CX", 5): "type",
    ("CX", 6): "facility",
    ("CX", 7): "start",
    ("CX", 8): "end",
    ("CX", 9): "jurisdiction",
    ("CX", 10): "agency",
    ("CM_PAT_ID", 1): "id",
    ("CM_PAT_ID", 4): "authority",
    ("CM_PAT_ID", 5): "type",
    ("XPN", 1): "family",
    ("XPN", 2): "given",
    ("XPN", 3): "middle",
    ("XPN", 4): "suffix",
    ("XPN", 5): "prefix",
    ("XPN", 6): "degree",
    ("XPN", 7): "type",
    ("XPN", 8): "representation",
    ("XCN", 1): "id",
    ("XCN", 2): "family",
    ("XCN", 3): "given",
    ("XCN", 4): "middle",
    ("XCN", 5): "suffix",
    ("XCN", 6): "prefix",
    ("XCN", 7): "degree",
    ("XCN", 8): "source",
    ("XCN", 9): "authority",
    ("XCN", 10): "nameType",
    ("XCN", 11): "checkDigit",
    ("XCN", 12): "scheme",
    ("XCN", 13): "type",
    ("XCN", 14): "facility",
    ("XON", 1): "name",
    ("XON", 2): "nameType",
    ("XON", 3): "id",
    ("XON", 6): "authority",
    ("XON", 7): "type",
    ("XON", 8): "facility",
    ("XON", 10): "identifier",
    ("XAD", 1): "street",
    ("XAD", 2): "other",
    ("XAD", 3): "city",
    ("XAD", 4): "state",
    ("XAD", 5): "postalCode",
    ("XAD", 6): "country",
    ("XAD", 7): "type",
    ("XAD", 9): "county",
    ("XTN", 1): "number",
    ("XTN", 2): "use",
    ("XTN", 3): "type",
    ("XTN", 4): "email",
    ("XTN", 5): "countryCode",
    ("XTN", 6): "areaCode",
    ("XTN", 7): "localNumber",
    ("XTN", 8): "extension",
    ("XTN", 9): "text",
    ("XTN", 12): "unformatted",
    ("HD", 1): "namespace",
    ("HD", 2): "id",
    ("HD", 3): "type",
    ("EI", 1): "id",
    ("EI", 2): "namespace",
    ("EI", 3): "universalId",
    ("EI", 4): "type",
    ("PL", 1): "pointOfCare",
    ("PL", 2): "room",
    ("PL", 3): "bed",
    ("PL", 4): "facility",
    ("PL", 6): "type",
    ("PL", 7): "building",
    ("PL", 8): "floor",
    ("PT", 1): "id",
    ("VID", 1): "id",
    ("MSG", 1): "code",
    ("MSG", 2): "event",
    ("MSG", 3): "structure",
} | {
    (datatype, number): word
    for datatype in ("CE", "CWE", "CNE", "CF")
    for number, word in (
        (1, "code"),
        (2, "text"),
        (3, "system"),
        (4, "alternateCode"),
        (5, "alternateText"),
        (6, "alternateSystem"),
        (7, "systemVersion"),
        (8, "alternateSystemVersion"),
        (9, "originalText"),
    )
}

_SMALL_WORDS = {"of", "for", "the", "and", "or", "to", "in", "by", "on", "from", "with", "a", "an"}


def readable_name(upper: str | None, owner: str) -> str:
    """`DATE_TIME_OF_BIRTH` as `Date/Time of Birth`; an unnamed field is an empty text."""
    if not upper:
        return ""
    words = upper.replace("DATE_TIME", "DATE/TIME").split("_")
    # hl7apy sets apart names used twice by adding the datatype or the segment at the end
    if len(words) > 1 and words[-1] in {owner, "ID", "IS", "ST", "NM"} and words[-2] != "OR":
        tail = words[-1]
        if tail == owner or (tail != "ID" and len(words) > 2) or words[-2] in {"CODE", "DIGIT"}:
            words = words[:-1]
    shown = []
    for position, word in enumerate(words):
        lower = word.lower()
        if position and lower in _SMALL_WORDS:
            shown.append(lower)
        elif word in {"ID", "DEA", "DRG", "HCFA", "HL7", "UB", "VIP", "OK"} or word.isdigit():
            shown.append(word)
        else:
            shown.append("/".join(part.capitalize() for part in lower.split("/")))
    return " ".join(shown).replace(" S ", "'s ")


def short_name(datatype: str, number: int, readable: str) -> str:
    """The selector word of a component: from the list above, else the name in camel case."""
    known = SHORT_NAMES.get((datatype, number))
    if known is not None:
        return known
    words: list[str] = re.findall(r"[A-Za-z0-9]+", readable)
    if not words:
        return f"component{number}"
    words = [word.lower() for word in words]
    return words[0] + "".join(word.capitalize() for word in words[1:])


def _serve(code: str, triggers: str, *structures: str) -> dict[str, tuple[str, ...]]:
    """The events of a row of table 0354; an empty structure is the event's own, as in `MFN_M02`."""
    return {
        f"{code}^{trigger}": tuple(name or f"{code}_{trigger}" for name in structures)
        for trigger in triggers.split()
    }


EVENTS: dict[str, tuple[str, ...]] = {
    **_serve("ADT", "A01 A04 A08 A13", "ADT_A01"),
    **_serve("ADT", "A02", "ADT_A02"),
    **_serve("ADT", "A03", "ADT_A03"),
    **_serve("ADT", "A05 A14 A28 A31", "ADT_A05", "ADT_A01"),
    **_serve("ADT", "A06 A07", "ADT_A06"),
    **_serve("ADT", "A09 A10 A11", "ADT_A09"),
    **_serve("ADT", "A12", "ADT_A12", "ADT_A09"),
    **_serve("ADT", "A15", "ADT_A15"),
    **_serve("ADT", "A16", "ADT_A16"),
    **_serve("ADT", "A17", "ADT_A17"),
    **_serve("ADT", "A18", "ADT_A18"),
    **_serve("ADT", "A20", "ADT_A20"),
    **_serve("ADT", "A21 A22 A23 A25 A26 A27 A29 A32 A33", "ADT_A21", "ADT_A01"),
    **_serve("ADT", "A24", "ADT_A24"),
    **_serve("ADT", "A30 A34 A35 A36 A46 A47 A48 A49", "ADT_A30"),
    **_serve("ADT", "A37", "ADT_A37"),
    **_serve("ADT", "A38", "ADT_A38"),
    **_serve("ADT", "A39 A40 A41 A42", "ADT_A39"),
    **_serve("ADT", "A43", "ADT_A43"),
    **_serve("ADT", "A44", "ADT_A44", "ADT_A43"),
    **_serve("ADT", "A45", "ADT_A45"),
    **_serve("ADT", "A50 A51", "ADT_A50"),
    **_serve("ADT", "A52 A53", "ADT_A52"),
    **_serve("ADT", "A54 A55", "ADT_A54"),
    **_serve("ADT", "A60", "ADT_A60"),
    **_serve("ADT", "A61 A62", "ADT_A61"),
    **_serve("DFT", "P03", "DFT_P03"),
    **_serve("DFT", "P11", "DFT_P11", "DFT_P03"),
    **_serve("MDM", "T01 T03 T05 T07 T09 T11", "MDM_T01"),
    **_serve("MDM", "T02 T04 T06 T08 T10", "MDM_T02"),
    **_serve("MFN", "M01 M02 M03 M04 M05 M06 M07 M08 M09 M10 M11 M12 M13 M15", "", "MFN_M01"),
    **_serve("MFK", "M01 M02 M03 M04 M05 M06 M07 M08 M09 M10 M11 M12 M13 M15", "", "MFK_M01"),
    **_serve("MFQ", "M01 M02 M03 M04 M05 M06 M14", "", "MFQ_M01"),
    **_serve("MFR", "M01 M02 M03 M04 M05 M06 M07", "", "MFR_M01"),
    **_serve("ORM", "O01", "ORM_O01"),
    **_serve("ORU", "R01", "ORU_R01"),
    **_serve("ORU", "R30 R31 R32", "ORU_R30"),
    **_serve("ORU", "R40", "ORU_R01"),
    **_serve("PEX", "P07 P08", "PEX_P07"),
    **_serve("PGL", "PC6 PC7 PC8", "PGL_PC6"),
    **_serve("PMU", "B01 B02", "PMU_B01"),
    **_serve("PMU", "B04 B05 B06", "PMU_B04"),
    **_serve("PPG", "PCG PCH PCJ PCC", "PPG_PCG"),
    **_serve("PPP", "PCB PCD", "PPP_PCB"),
    **_serve("PPR", "PC1 PC2 PC3", "PPR_PC1"),
    **_serve("QBP", "Q21 Q22 Q23 Q24 Q25 K13", "QBP_Q21"),
    **_serve("QCN", "J01 J02", "QCN_J01"),
    **_serve("QRY", "PC4 PC9 PCE PCK", "QRY_PC4"),
    **_serve("QRY", "Q01 Q26 Q27 Q28 Q29 Q30", "QRY_Q01"),
    **_serve("RCI", "I05", "RCI_I05"),
    **_serve("RDE", "O01", "RDE_O01", "RDE_O11"),
    **_serve("RDE", "O11 O25", "RDE_O11", "RDE_O01"),
    **_serve("RDS", "O01", "RDS_O01", "RDS_O13"),
    **_serve("RDS", "O13", "RDS_O13", "RDS_O01"),
    **_serve("RAS", "O01", "RAS_O01", "RAS_O17"),
    **_serve("RAS", "O17", "RAS_O17", "RAS_O01"),
    **_serve("RGV", "O01", "RGV_O01", "RGV_O15"),
    **_serve("RRE", "O12 O26", "RRE_O12"),
    **_serve("REF", "I12 I13 I14 I15", "REF_I12"),
    **_serve("RRI", "I12 I13 I14 I15", "RRI_I12"),
    **_serve("RPA", "I08 I09 I10 I11", "RPA_I08"),
    **_serve("RQA", "I08 I09 I10 I11", "RQA_I08"),
    **_serve("RPI", "I01 I04", "RPI_I01"),
    **_serve("RQC", "I05 I06", "RQC_I05"),
    **_serve("RQI", "I01 I02 I03", "RQI_I01"),
    **_serve("RSP", "K23 K24", "RSP_K23"),
    **_serve("SIU", "S12 S13 S14 S15 S16 S17 S18 S19 S20 S21 S22 S23 S24 S26 S27", "SIU_S12"),
    **_serve("SRM", "S01 S02 S03 S04 S05 S06 S07 S08 S09 S10 S11", "SRM_S01"),
    **_serve("SRR", "S01 S02 S03 S04 S05 S06 S07 S08 S09 S10 S11", "SRR_S01"),
    **_serve("TCU", "U10 U11", "TCU_U10"),
    **_serve("CRM", "C01 C02 C03 C04 C05 C06 C07 C08", "CRM_C01"),
    **_serve("CSU", "C09 C10 C11 C12", "CSU_C09"),
    **_serve("CCM", "I21", "CCM_I21"),
    **_serve("CCR", "I16 I17 I18", "CCR_I16"),
    **_serve("OML", "O21", "OML_O21"),
}
