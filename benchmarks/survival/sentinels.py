"""Pure. A value that stands for one leaf and no other, of the leaf's own kind."""

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

FIRST_DAY = date(1931, 1, 1)

_DATE = re.compile(r"(\d{4})(\d\d)(\d\d)(\d{2}|\d{4}|\d{6}(?:\.\d{1,4})?)?([+-]\d{4})?")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_PHONE = re.compile(r"[\d()+ .x/-]{7,}")
_OID = re.compile(r"[0-2](?:\.\d+){2,}")
_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentinel:
    """What is written into the message, and how it may look in the output."""

    text: str
    forms: tuple[str, ...]
    """In lower case."""

    def lands_in(self, output: str) -> bool:
        """True when one of the forms is there.

        Args:
            output: in lower case.
        """
        return any(form in output for form in self.forms)


def make_sentinel(text: str, number: int, *, is_data: bool = False) -> Sentinel:
    """A value for the leaf with this number.

    Args:
        text: what the leaf holds: a date is given another date, a number another number.
        number: below 100,000; each makes another value.
        is_data: the leaf holds base64.
    """
    word = _word(number)
    if is_data:
        return _plain(base64.b64encode(f"{word}{word}".encode()).decode())
    for matches, make in _KINDS:
        if matches(text):
            return make(text, number, word)
    return _plain(word)


def _word(number: int) -> str:
    """Letters and digits that no message holds by chance."""
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    found = ""
    for _ in range(4):
        number, rest = divmod(number, len(digits))
        found = digits[rest] + found
    return f"ZQX{found}K"


def _plain(text: str, *more: str) -> Sentinel:
    return Sentinel(text=text, forms=tuple(one.lower() for one in (text, *more)))


def _is_date(text: str) -> bool:
    found = _DATE.fullmatch(text)
    if found is None or not 1850 <= int(found[1]) <= 2100:
        return False
    try:
        date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return False
    return True


def _date(text: str, number: int, _: str) -> Sentinel:
    """The same precision, time of day and offset on another day; as a date or as it was sent."""
    day = FIRST_DAY + timedelta(days=number)
    return _plain(f"{day:%Y%m%d}{text[8:]}", f"{day:%Y-%m-%d}", f"{day:%Y%m%d}")


def _number(text: str, number: int, _: str) -> Sentinel:
    fraction = text[text.index(".") :] if "." in text else ""
    return _plain(f"{7_100_000 + number}{fraction}", f"{7_100_000 + number}")


def _phone(text: str, number: int, _: str) -> Sentinel:
    """The sender's punctuation with other digits, the last seven of them its own."""
    count = sum(one.isdigit() for one in text)
    digits = iter(f"{7_100_000 + number}".rjust(count, "3")[-count:])
    made = "".join(next(digits) if one.isdigit() else one for one in text)
    return _plain(made, f"{7_100_000 + number}"[-count:])


def _email(_: str, __: int, word: str) -> Sentinel:
    return _plain(f"{word}@x.test")


def _url(_: str, __: int, word: str) -> Sentinel:
    return _plain(f"http://x.test/{word}", word)


def _oid(_: str, number: int, __: str) -> Sentinel:
    return _plain(f"2.16.840.1.113883.19.7.{100_000 + number}")


def _uuid(_: str, number: int, __: str) -> Sentinel:
    return _plain(f"{number:08x}-7731-4000-8000-00000000abcd")


_KINDS: tuple[tuple[Callable[[str], object], Callable[[str, int, str], Sentinel]], ...] = (
    (_is_date, _date),
    (_NUMBER.fullmatch, _number),
    (_OID.fullmatch, _oid),
    (_UUID.fullmatch, _uuid),
    (lambda text: _PHONE.fullmatch(text) and sum(one.isdigit() for one in text) >= 7, _phone),
    (lambda text: "://" in text, _url),
    (lambda text: "@" in text, _email),
)
