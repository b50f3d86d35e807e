"""Rim. A small synthetic hospital population, the same for the same seed. Nobody here is real."""

import random
from dataclasses import dataclass, field

FAMILY = (
    "Abbott", "Okafor", "Lindqvist", "Nguyen", "Marchetti", "O'Rourke", "Haddad", "Kowalski",
    "Petrov", "Iwu", "Santos", "Brandt", "Yamada", "Novák", "Fernández", "Achterberg", "Mbeki",
    "Silva",
)  # fmt: skip
GIVEN_FEMALE = ("Amara", "Birgit", "Chiara", "Dolores", "Edith", "Farah", "Greta", "Hana", "Ines")
GIVEN_MALE = ("Anton", "Bruno", "Cyril", "Diego", "Emeka", "Felix", "Goran", "Hiro", "Ivan")
STREETS = ("Elm Street", "Harbour Road", "Mill Lane", "Station Road", "King's Row", "Orchard Way")
CITIES = (("Ridgefield", "WA", "98642"), ("Larkspur", "CO", "80118"), ("Dunmore", "PA", "18512"))
DOCTORS = (
    ("1003000126", "Hartmann", "Liesl"), ("1003000134", "Okonkwo", "Chidi"),
    ("1003000142", "Reyes", "Paloma"), ("1003000159", "Lund", "Sven"),
)  # fmt: skip
WARDS = ("MED", "SURG", "ICU", "PEDS", "MAT")


@dataclass(slots=True, kw_only=True)
class Person:
    """A patient and where the visit stands."""

    number: int
    family: str
    given: str
    sex: str
    birth_date: str
    """YYYYMMDD."""
    street: str
    city: tuple[str, str, str]
    phone: str
    visit: int = 0
    admitted: bool = False
    ward: str = "MED"
    room: int = 1
    doctor: tuple[str, str, str] = DOCTORS[0]
    results: int = field(default=0)

    @property
    def mrn(self) -> str:
        """The medical record number."""
        return f"{700000 + self.number}"

    @property
    def visit_number(self) -> str:
        """The current visit's number."""
        return f"V{self.number:05d}{self.visit:03d}"


def make_person(number: int, dice: random.Random) -> Person:
    """Draw one person."""
    sex = dice.choice("FM")
    year, month, day = dice.randint(1930, 2025), dice.randint(1, 12), dice.randint(1, 28)
    return Person(
        number=number,
        family=dice.choice(FAMILY),
        given=dice.choice(GIVEN_FEMALE if sex == "F" else GIVEN_MALE),
        sex=sex,
        birth_date=f"{year:04d}{month:02d}{day:02d}",
        street=f"{dice.randint(1, 199)} {dice.choice(STREETS)}",
        city=dice.choice(CITIES),
        phone=f"555{dice.randint(1000000, 9999999)}",
        ward=dice.choice(WARDS),
        room=dice.randint(100, 399),
        doctor=dice.choice(DOCTORS),
    )
