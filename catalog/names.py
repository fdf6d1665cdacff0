"""Names that people give, and the slugs made from them."""

import unicodedata
from collections.abc import Callable
from typing import Any, TypeVar

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from catalog.models import Dataset
from contract.problems import Invalid, Problem, gettext_noop

LONGEST = 120
BIDI_CONTROLS = {*range(0x202A, 0x202F), *range(0x2066, 0x206A)}
T = TypeVar("T")


def checked(name: object, path: str = "name") -> str:
    """The name in NFC without blanks around it. Raises Invalid saying what is wrong with it."""
    if not isinstance(name, str):
        raise Invalid([Problem(path, gettext_noop("Expected text."))])
    text = unicodedata.normalize("NFC", name).strip()
    if not text:
        raise Invalid([Problem(path, gettext_noop("Give it a name."))])
    if len(text) > LONGEST:
        raise Invalid([Problem(path, gettext_noop("At most %(most)s characters."), {"most": LONGEST})])
    for char in text:
        if unicodedata.category(char) in ("Cc", "Cs") or ord(char) in BIDI_CONTROLS:
            sentence = gettext_noop("Leave out the character %(char)s: it cannot be seen.")
            raise Invalid([Problem(path, sentence, {"char": f"U+{ord(char):04X}"})])
    return text


def with_slug(name: str, create: Callable[[str], T], rows: Any = Dataset.objects, otherwise: str = "dataset") -> T:
    """What `create(slug)` makes, with the first slug for `name` that none of `rows` has; none is ever used twice.

    `otherwise`: what a name is called that has no letter for a slug.
    """
    base = slugify(name)[:100] or otherwise
    number = 1
    while True:
        slug = base if number == 1 else f"{base}-{number}"
        number += 1
        if rows.filter(slug=slug).exists():
            continue
        try:
            with transaction.atomic():
                return create(slug)
        except IntegrityError:
            if not rows.filter(slug=slug).exists():
                raise
