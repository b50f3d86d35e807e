"""Rim. What a hospital says besides admissions and results: vaccines, appointments, letters,
prescriptions, charges and laboratory orders, as HL7 v2.5.1.

Each writer gives the segments after MSH. The grammar of each structure is that of the standard.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.simulator.people import Person

VACCINES = (
    ("208", "COVID-19, mRNA, 30 mcg", "PFR^Pfizer^MVX"),
    ("141", "Influenza, seasonal", "SKB^GlaxoSmithKline^MVX"),
    ("115", "Tdap", "PMC^Sanofi Pasteur^MVX"),
)
DRUGS = (
    ("314076", "Lisinopril 10 MG Oral Tablet", "QD"),
    ("861007", "Metformin 500 MG Oral Tablet", "BID"),
    ("197361", "Amlodipine 5 MG Oral Tablet", "QD"),
)
CHARGES = (("71046", "Chest X-ray, two views", "86.50"), ("93000", "Electrocardiogram", "41.00"))
ORDERS = (("24323-8", "Comprehensive metabolic panel"), ("58410-2", "CBC panel"))
TIME = "%Y%m%d%H%M%S"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What a message is written from."""

    person: Person
    clock: datetime
    number: int
    """Of the message; orders and appointments are numbered by it."""
    patient: str
    """PID."""
    visit: str
    """PV1."""

    @property
    def stamp(self) -> str:
        """Now."""
        return self.clock.strftime(TIME)

    @property
    def doctor(self) -> str:
        """Who orders and signs, as XCN."""
        npi, family, given = self.person.doctor
        return f"{npi}^{family}^{given}^^^^^^NPI^L^^^NPI"


def _vaccine(scene: Scene) -> str:
    code, name, maker = VACCINES[scene.number % len(VACCINES)]
    return (
        f"{scene.patient}ORC|RE||I{scene.number:07d}^REG|||||||||{scene.doctor}\r"
        f"RXA|0|1|{scene.stamp[:8]}||{code}^{name}^CVX|0.5|mL^^UCUM||00^New immunization^NIP001"
        f"|{scene.doctor}|||||L{scene.number % 1000:03d}||{maker}|||CP|A\r"
        "RXR|C28161^Intramuscular^NCIT|LD^Left deltoid^HL70163\r"
    )


def _appointment(scene: Scene) -> str:
    begins = (scene.clock + timedelta(days=14)).replace(hour=15, minute=0, second=0)
    ends = begins + timedelta(minutes=20)
    number, start, end = f"A{scene.number:07d}", begins.strftime(TIME), ends.strftime(TIME)
    return (
        f"SCH|{number}^REG|{number}^REG|||||FOLLOWUP^Follow-up visit^HL70276"
        f"|ROUTINE^Routine^HL70276|20|min^minute^UCUM|^^20^{start}^{end}|||||{scene.doctor}||||{scene.doctor}|||||Booked\r"
        f"TQ1|1||||||{start}|{end}\r{scene.patient}{scene.visit}RGS|1|A\r"
        f"AIP|1|A|{scene.doctor}|D^Doctor^HL70182||{start}|||20|min^minute^UCUM||Booked\r"
    )


def _letter(scene: Scene) -> str:
    person = scene.person
    lines = ("DISCHARGE SUMMARY", f"{person.given} {person.family} goes home in good health.")
    texts = "".join(
        f"OBX|{index}|TX|18842-5^Discharge summary^LN||{line}||||||F\r"
        for index, line in enumerate(lines, 1)
    )
    return (
        f"EVN|T02|{scene.stamp}\r{scene.patient}{scene.visit}"
        f"TXA|1|DS^Discharge summary^HL70270|TX|{scene.stamp}|{scene.doctor}|{scene.stamp}"
        f"|{scene.stamp}||{scene.doctor}|||T{scene.number:07d}^REG|||||LA|U|AV\r{texts}"
    )


def _prescription(scene: Scene) -> str:
    code, name, timing = DRUGS[scene.number % len(DRUGS)]
    return (
        f"{scene.patient}{scene.visit}"
        f"ORC|NW|R{scene.number:07d}^REG|||||||{scene.stamp}|||{scene.doctor}\r"
        f"RXE||{code}^{name}^RXNORM|1||{{tbl}}^tablet^UCUM||||G|30|{{tbl}}^tablet^UCUM|2\r"
        f"TQ1|1||{timing}||||{scene.stamp[:8]}\rRXR|PO^Oral^HL70162\r"
    )


def _charge(scene: Scene) -> str:
    code, name, price = CHARGES[scene.number % len(CHARGES)]
    return (
        f"EVN|P03|{scene.stamp}\r{scene.patient}{scene.visit}"
        f"FT1|1|C{scene.number:07d}||{scene.stamp}|{scene.stamp}|CG|{code}^{name}^C4|||1"
        f"|{price}&USD|{price}&USD||||||||{scene.doctor}\r"
    )


def _order(scene: Scene) -> str:
    code, name = ORDERS[scene.number % len(ORDERS)]
    number = f"O{scene.number:07d}^REG"
    return (
        f"{scene.patient}{scene.visit}"
        f"ORC|NW|{number}|||||||{scene.stamp}|||{scene.doctor}\r"
        f"TQ1|1||||||{scene.stamp}||R^Routine^HL70485\r"
        f"OBR|1|{number}||{code}^{name}^LN||||||||||||{scene.doctor}\r"
        f"SPM|1|S{scene.number:07d}&REG||BLD^Whole blood^HL70487|||||||||||||{scene.stamp}\r"
    )


CARE: Mapping[str, tuple[str, str, Callable[[Scene], str]]] = {
    "VXU": ("V04", "VXU_V04", _vaccine),
    "SIU": ("S12", "SIU_S12", _appointment),
    "MDM": ("T02", "MDM_T02", _letter),
    "RDE": ("O11", "RDE_O11", _prescription),
    "DFT": ("P03", "DFT_P03", _charge),
    "OML": ("O21", "OML_O21", _order),
}
"""Event, structure and writer of each type."""
