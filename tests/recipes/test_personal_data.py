"""Finding personal data: recall and precision on a labelled set that is generated, and no slow texts."""

import random
import time

import pytest

from recipes.personal_data import CHINESE_ID_WEIGHTS, IBAN_LENGTHS, KINDS, find

PLAIN = [
    "The meeting is on 2024-03-09 at 12:30:45, room 4.2.1, page 1234567.",
    "Order 123456789012 was shipped on 01-02-2024 for 1,234.50 EUR.",
    "See section 3.14.159 of ISO 13616 and RFC 9457; ratio 16:9, 10^-3.",
    "Version 2.13.0 needs Python >= 3.11 and 24 GiB; call f(x) at line 80.",
    "user @ home, a@b, @mention and C:\\Users\\me\\file.txt or /etc/hosts",
    "In 1999 about 3000 people, 45 % of 6666, lived at 221B Baker Street.",
    "Card numbers have 16 digits, for example 1234 5678 9012 3456.",
    "IBANs begin like DE89 or GB29 and have a checksum: DE00 3704 0044 0532 0130 00.",
]


def luhn(digits: str) -> str:
    total = sum(sum(divmod(int(d) * (2 - n % 2), 10)) for n, d in enumerate(reversed(digits)))
    return digits + str(-total % 10)


def iban(chance: random.Random) -> str:
    country = chance.choice(sorted(IBAN_LENGTHS))
    body = "".join(chance.choice("0123456789") for _ in range(IBAN_LENGTHS[country] - 4))
    number = int("".join(str(int(c, 36)) for c in f"{body}{country}00"))
    text = f"{country}{98 - number % 97:02d}{body}"
    return text if chance.random() < 0.5 else " ".join(text[n : n + 4] for n in range(0, len(text), 4))


def card(chance: random.Random) -> str:
    text = luhn("4" + "".join(chance.choice("0123456789") for _ in range(14)))
    return text if chance.random() < 0.5 else chance.choice(" -").join(text[n : n + 4] for n in range(0, 16, 4))


def chinese_id(chance: random.Random) -> str:
    body = f"{chance.randint(110000, 659000)}19{chance.randint(50, 99)}0{chance.randint(1, 9)}1{chance.randint(0, 9)}"
    body += f"{chance.randint(0, 999):03d}"
    total = sum(int(d) * w for d, w in zip(body, CHINESE_ID_WEIGHTS, strict=True))
    return body + "10X98765432"[total % 11]


def email(chance: random.Random) -> str:
    name = chance.choice(["ann", "j.doe", "x_y", "li+news", "o-neil", "müller", "a1"]) + str(chance.randint(0, 99))
    return f"{name}@{chance.choice(['mail', 'my-firm', 'a.b'])}.{chance.choice(['com', 'co.uk', 'museum', 'de'])}"


def phone(chance: random.Random) -> str:
    digits = "".join(chance.choice("0123456789") for _ in range(8))
    forms = (
        f"+44 20 {digits[:4]} {digits[4:]}",
        f"+1-212-555-{digits[:4]}",
        f"0049 (30) {digits}",
        f"138 {digits[:4]} {digits[4:]}",
        f"13{digits}7",
        f"030 / {digits}",
        f"0171-{digits[:7]}",
        f"(212) 555-{digits[:4]}",
        f"+86{digits}138",
    )
    return chance.choice(forms)


def address(chance: random.Random) -> str:
    if chance.random() < 0.5:
        return ".".join(str(chance.randint(0, 255)) for _ in range(4))
    return chance.choice(["2001:db8::1", "fe80::1ff:fe23:4567:890a", "2001:0db8:85a3:0000:0000:8a2e:0370:7334"])


MAKERS = {"iban": iban, "card": card, "chinese-id": chinese_id, "email": email, "phone": phone, "ip": address}
WANTED = {"iban": 0.99, "card": 0.99, "chinese-id": 0.99, "email": 0.95, "phone": 0.95, "ip": 0.95}


@pytest.mark.parametrize("kind", MAKERS)
def test_what_is_there_is_found_and_little_else(kind):
    chance = random.Random(kind)
    found_right, found_wrong = 0, 0
    for _ in range(300):
        secret = MAKERS[kind](chance)
        before = chance.choice(["Reach me: ", "it was (", "\n", "von ", "是"])
        text = f"{chance.choice(PLAIN)} {before}{secret}{chance.choice([', ok', ') so', ' THEN', '.', ''])}"
        hits = find(text, tuple(KINDS))
        start = text.rindex(secret)
        right = [hit for hit in hits if hit.kind == kind and hit.start <= start and hit.end >= start + len(secret)]
        found_right += bool(right)
        found_wrong += len(hits) - len(right)
    assert found_right / 300 >= WANTED[kind]
    assert found_right / (found_right + found_wrong) >= 0.95


@pytest.mark.parametrize("text", PLAIN)
def test_ordinary_text_holds_no_personal_data(text):
    assert find(text, tuple(KINDS)) == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("postgres://app:s3cr3t@db.local/x", "url"),
        ("ghp_0123456789abcdefABCDEF0123456789abcd", "token"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlMTIz", "token"),
    ],
)
def test_secrets_are_found_whole(text, kind):
    (hit,) = find(f"use {text} now", tuple(KINDS))
    assert (hit.kind, hit.end - hit.start) == (kind, len(text))


def test_names_are_found_as_whole_words_longest_first():
    text = "Ann Leeson met ANN LEE and Ann; Annette did not."
    found = [text[hit.start : hit.end] for hit in find(text, ("name",), ("Ann", "Ann Lee"))]
    assert found == ["Ann", "ANN LEE", "Ann"]


@pytest.mark.parametrize("letter", ["a", "1", "1 ", "A0", "a.", "a@", ":", "-", "(0", "+1", "eyJ"])
def test_no_text_takes_long(letter):
    text = letter * (100_000 // len(letter))
    began = time.perf_counter()
    find(text, tuple(KINDS))
    assert time.perf_counter() - began < 5
