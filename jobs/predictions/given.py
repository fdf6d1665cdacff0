"""What somebody tries a model on, read and checked: a picture, a text, a row, or a sample of the data."""

import base64
import binascii
import itertools
from typing import Any

from django.core.files.uploadedfile import UploadedFile

from accounts.models import Token, User
from accounts.permissions import require
from catalog import places
from catalog.models import DatasetVersion
from catalog.queries import items_at
from contract.problems import Invalid, Problem, gettext_noop, unknown
from recipes.version import file_of, read_items

FIELDS = {"image": "image", "text": "text", "table": "row"}
"""what data of each kind is tried on"""
MOST_IMAGE_BYTES = 10 * 2**20
MOST_CHARACTERS = 20_000
OTHER_KIND = {
    "image": gettext_noop("This model looks at pictures. Send one as 'image'."),
    "text": gettext_noop("This model reads texts. Send one as 'text'."),
    "table": gettext_noop("This model reads rows of a table. Send one as 'row': its columns with their values."),
}
TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def read(version: DatasetVersion, body: dict[str, Any], actor: User, token: Token | None = None) -> dict[str, Any]:
    """`given` of `recipes.one_item`. Raises Invalid, and PermissionDenied for a sample that this person may not see."""
    kind = version.schema["kind"]
    wanted = FIELDS[kind]
    named = [name for name in (*FIELDS.values(), "sample") if body.get(name) not in (None, "")]
    if len(named) > 1 or (named and named[0] not in (wanted, "sample")):
        strange = next(name for name in named if name != wanted)
        raise Invalid([Problem(strange, OTHER_KIND[kind])])
    if not named:
        raise Invalid([Problem(wanted, OTHER_KIND[kind])])
    if named == ["sample"]:
        return _sample(version, body["sample"], actor, token)
    return {"image": _image, "text": _text, "row": _row}[wanted](version, body[wanted])


def _image(version: DatasetVersion, given: Any) -> dict[str, Any]:
    """A file of the form, or base64 in JSON."""
    sentence = gettext_noop("The picture is larger than %(limit)s MiB. Send a smaller one.")
    too_large = Invalid([Problem("image", sentence, {"limit": MOST_IMAGE_BYTES // 2**20})])
    if isinstance(given, UploadedFile):
        if (given.size or 0) > MOST_IMAGE_BYTES:
            raise too_large
        return {"image": base64.b64encode(given.read()).decode()}
    try:
        data = base64.b64decode(given, validate=True)
    except (binascii.Error, ValueError, TypeError) as error:
        sentence = gettext_noop("Expected a picture: a file of a form, or its bytes in base64.")
        raise Invalid([Problem("image", sentence)]) from error
    if len(data) > MOST_IMAGE_BYTES:
        raise too_large
    return {"image": given}


def _text(version: DatasetVersion, given: Any) -> dict[str, Any]:
    if not isinstance(given, str) or not given.strip():
        raise Invalid([Problem("text", gettext_noop("Expected a text."))])
    if len(given) > MOST_CHARACTERS:
        sentence = gettext_noop("The text has %(count)s characters; at most %(limit)s are taken.")
        raise Invalid([Problem("text", sentence, {"count": len(given), "limit": MOST_CHARACTERS})])
    return {"messages": [{"role": "user", "content": given}]} if speaks_in_turns(version) else {"text": given}


def speaks_in_turns(version: DatasetVersion) -> bool:
    """Whether its items are conversations."""
    directory = places.version(version.content_hash)
    return any("messages" in item.data for item in itertools.islice(read_items(directory), 1))


def _row(version: DatasetVersion, given: Any) -> dict[str, Any]:
    """Values in the order of the version's columns."""
    columns = version.schema["columns"]
    names = [column["name"] for column in columns]
    if not isinstance(given, dict):
        raise Invalid([Problem("row", gettext_noop("Expected the columns with their values."))])
    problems = [unknown(f"row.{name}", str(name), names) for name in given if name not in names]
    values = [_value(column, given.get(column["name"]), problems) for column in columns]
    if problems:
        raise Invalid(problems)
    return {"values": values}


def _value(column: dict[str, Any], given: Any, problems: list[Problem]) -> Any:
    path = f"row.{column['name']}"
    if given is None or given == "":
        if not column.get("missing"):
            problems.append(Problem(path, gettext_noop("Give a value: none is missing in the data.")))
        return None
    if column["type"] == "boolean":
        if isinstance(given, bool) or str(given).lower() in TRUTHS:
            return given if isinstance(given, bool) else TRUTHS[str(given).lower()]
        problems.append(Problem(path, gettext_noop("Expected true or false.")))
    elif column["type"] == "number":
        try:
            number = float(given)
            if number - number == 0:  # neither infinite nor no number at all
                return number
        except (TypeError, ValueError):
            pass  # told below, like those
        problems.append(Problem(path, gettext_noop("Expected a number.")))
    elif isinstance(given, dict | list):
        problems.append(Problem(path, gettext_noop("Expected a word or a text.")))
    return str(given)


def _sample(version: DatasetVersion, number: Any, actor: User, token: Token | None) -> dict[str, Any]:
    """An item of the data, by its number; of a conversation all that comes before the last answer."""
    require(actor, "see_raw", version.dataset, token=token)
    if isinstance(number, str) and number.isdecimal() and len(number) < 16:
        number = int(number)
    item = items_at(version, [number]).get(number) if type(number) is int else None
    if item is None:
        sentence = gettext_noop("There is no such sample. Expected a whole number below %(count)s.")
        raise Invalid([Problem("sample", sentence, {"count": version.items})])
    if item.file:
        data = file_of(places.version(version.content_hash), item).read_bytes()
        return {"image": base64.b64encode(data).decode()}
    return {"messages": asked(item.data["messages"])} if "messages" in item.data else item.data


def asked(messages: list[dict[str, str]]) -> list[dict[str, str]]:
    """A conversation up to its last answer."""
    answers = [place for place, message in enumerate(messages) if message["role"] == "assistant"]
    return messages[: answers[-1]] if answers else messages
