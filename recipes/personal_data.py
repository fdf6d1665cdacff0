"""Finding personal data in text: by form, and by checksum where there is one. Linear in the length of the text."""

import ipaddress
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

MOST_NAMES = 1000


class Found(NamedTuple):
    """`text[start:end]` is personal data of this kind."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True)
class Kind:
    """What it looks like; `length_of` says how much of a match it really is (0 = it is not)."""

    pattern: re.Pattern[str]
    length_of: Callable[[str], int] = len


IBAN_LENGTHS = {
    **dict.fromkeys(("NO",), 15),
    **dict.fromkeys(("BE",), 16),
    **dict.fromkeys(("DK", "FI", "FO", "GL", "NL", "SD"), 18),
    **dict.fromkeys(("MK", "SI"), 19),
    **dict.fromkeys(("AT", "BA", "EE", "KZ", "LT", "LU", "MN", "XK"), 20),
    **dict.fromkeys(("CH", "HR", "LI", "LV"), 21),
    **dict.fromkeys(("BG", "BH", "CR", "DE", "GB", "GE", "IE", "ME", "RS", "VA"), 22),
    **dict.fromkeys(("AE", "GI", "IL", "IQ", "TL"), 23),
    **dict.fromkeys(("AD", "CZ", "ES", "MD", "PK", "RO", "SA", "SE", "SK", "TN", "VG"), 24),
    **dict.fromkeys(("LY", "PT", "ST"), 25),
    **dict.fromkeys(("IS", "TR"), 26),
    **dict.fromkeys(("BI", "DJ", "FR", "GR", "IT", "MC", "MR", "SM"), 27),
    **dict.fromkeys(("AL", "AZ", "BY", "CY", "DO", "GT", "HU", "LB", "NI", "PL", "SV"), 28),
    **dict.fromkeys(("BR", "EG", "PS", "QA", "UA"), 29),
    **dict.fromkeys(("JO", "KW", "MU"), 30),
    **dict.fromkeys(("MT", "SC"), 31),
    **dict.fromkeys(("LC",), 32),
    **dict.fromkeys(("RU",), 33),
}
CHINESE_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def find(text: str, kinds: tuple[str, ...], names: tuple[str, ...] = ()) -> list[Found]:
    """What of `kinds` (keys of KINDS, and "name" for `names`) is in `text`, in order and without overlaps.

    Where two kinds overlap, the one that comes first in KINDS is meant.
    """
    taken: list[Found] = []
    for kind in (*KINDS, "name"):
        if kind in kinds:
            matches = _names_in(text, names) if kind == "name" else _matches(text, kind)
            taken += [found for found in matches if not any(_overlap(found, other) for other in taken)]
    return sorted(taken)


def replaced(text: str, found: list[Found], by: Callable[[Found, str], str]) -> str:
    """`text` with each finding replaced by what `by(finding, its text)` says."""
    parts, last = [], 0
    for item in found:
        parts += [text[last : item.start], by(item, text[item.start : item.end])]
        last = item.end
    return "".join([*parts, text[last:]])


def _matches(text: str, kind: str) -> Iterator[Found]:
    known = KINDS[kind]
    for match in known.pattern.finditer(text):
        if length := known.length_of(match.group()):
            yield Found(match.start(), match.start() + length, kind)


def _names_in(text: str, names: tuple[str, ...]) -> Iterator[Found]:
    if names:
        yield from (Found(*match.span(), "name") for match in _pattern_of(names).finditer(text))


@lru_cache(maxsize=8)
def _pattern_of(names: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(names, key=lambda name: (-len(name), name))
    return re.compile(rf"(?<!\w)(?:{'|'.join(re.escape(name) for name in longest_first)})(?!\w)", re.IGNORECASE)


def _overlap(one: Found, other: Found) -> bool:
    return one.start < other.end and other.start < one.end


def _iban(text: str) -> int:
    """Letters as two digits, the first four characters last: divided by 97 the number leaves 1 (ISO 13616)."""
    wanted, kept, length = IBAN_LENGTHS.get(text[:2], 0), "", 0
    for length, character in enumerate(text, 1):  # noqa: B007 - used after the loop
        kept += character if character != " " else ""
        if len(kept) == wanted:
            break
    if not wanted or len(kept) != wanted:
        return 0
    number = "".join(str(int(character, 36)) for character in kept[4:] + kept[:4])
    return length if int(number) % 97 == 1 else 0


def _card(text: str) -> int:
    """From the right every second digit doubled, digits of the result added up: a multiple of ten (Luhn 1960)."""
    digits = [int(character) for character in text if character.isdigit()][::-1]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return len(text) if len(set(digits)) > 1 and (sum(digits[::2]) + sum(doubled)) % 10 == 0 else 0


def _chinese_id(text: str) -> int:
    """The last character from the weighted sum of the 17 before it (GB 11643)."""
    total = sum(int(digit) * weight for digit, weight in zip(text, CHINESE_ID_WEIGHTS, strict=False))
    return len(text) if "10X98765432"[total % 11] == text[-1].upper() else 0


def _ip(text: str) -> int:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return 0
    return len(text) if "." in text or text.count(":") >= 2 else 0


def _phone(text: str) -> int:
    return len(text) if 9 <= sum(character.isdigit() for character in text) <= 15 else 0


_WORD = "A-Za-z0-9_"
"""of an identifier; letters of other scripts may stand right beside one"""

KINDS: dict[str, Kind] = {
    "url": Kind(
        re.compile(rf"(?<![{_WORD}+.-])[a-z][a-z0-9+.-]{{1,15}}://[^\s/:@]{{1,200}}:[^\s/@]{{1,200}}@\S{{1,255}}", re.I)
    ),
    "token": Kind(
        re.compile(
            rf"(?<![{_WORD}-])(?:eyJ[{_WORD}-]{{8,}}\.eyJ[{_WORD}-]{{8,}}\.[{_WORD}-]{{8,}}|AKIA[A-Z0-9]{{16}}"
            rf"|(?:gh[opsu]|github_pat|glpat|xox[abps]|[sp]k|flt|fld|hf)[_-][{_WORD}-]{{16,255}})(?![{_WORD}-])"
        )
    ),
    "email": Kind(
        re.compile(
            rf"(?<![{_WORD}.%+\-À-ɏ])[{_WORD}.%+\-À-ɏ]{{1,64}}"
            rf"@(?:[A-Za-z0-9][A-Za-z0-9-]{{0,62}}\.){{1,8}}[A-Za-z]{{2,24}}(?![{_WORD}-])"
        )
    ),
    "iban": Kind(re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,29}"), _iban),
    "chinese-id": Kind(re.compile(r"(?<!\d)[1-9]\d{16}[\dXx](?!\d)"), _chinese_id),
    "card": Kind(re.compile(r"(?<![\d.])\d(?:[ -]?\d){12,18}(?!\d)"), _card),
    "ip": Kind(
        re.compile(
            rf"(?<![{_WORD}.:])(?:\d{{1,3}}(?:\.\d{{1,3}}){{3}}(?![{_WORD}]|\.\d)"
            rf"|(?:[0-9A-Fa-f]{{0,4}}:){{2,7}}[0-9A-Fa-f]{{0,4}}(?![{_WORD}:]))"
        ),
        _ip,
    ),
    "phone": Kind(
        re.compile(
            rf"(?<![{_WORD}.+])(?:\+[1-9](?:[ .\-/()]{{0,2}}\d){{6,14}}"  # international
            r"|(?<!\d )00[1-9](?:[ .\-/()]{0,2}\d){6,14}"
            r"|(?<!\d )1[3-9]\d(?:[ -]?\d{4}){2}"  # Chinese mobile
            r"|(?<!\d )\(?0\d{1,4}\)?(?:[ .\-/]{1,3}\d{2,8}){1,4}"  # national, with separators
            r"|(?<!\d )(?:\(\d{3}\) ?|\d{3}[-. ])\d{3}[-. ]\d{4})(?!\d)"
        ),
        _phone,
    ),
}
"""in the order in which overlaps are decided: what has a checksum before what has only a form"""
