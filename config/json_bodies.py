"""JSON of requests: no key twice, no number beyond all bounds, nothing nested deeper than anybody needs."""

import json
import math
from typing import Any, NoReturn

from django.conf import settings
from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

from contract.nesting import DEEPEST, is_too_deep


class JSONBodies(JSONParser):
    def parse(self, stream: Any, media_type: str | None = None, parser_context: dict[str, Any] | None = None) -> Any:
        """Raises ParseError saying what is wrong."""
        encoding = (parser_context or {}).get("encoding") or settings.DEFAULT_CHARSET
        try:
            text = stream.read().decode(encoding)
            body = json.loads(text, parse_float=_finite, parse_constant=_refused, object_pairs_hook=_without_twins)
        except (ValueError, LookupError) as error:
            raise ParseError(_("The body is not JSON that is read here (%(why)s).") % {"why": error}) from error
        except RecursionError as error:
            raise _too_deep() from error
        if is_too_deep(body):
            raise _too_deep()
        return body


def _too_deep() -> ParseError:
    return ParseError(_("The body is nested deeper than %(levels)s levels.") % {"levels": DEEPEST})


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refused(text)


def _refused(text: str) -> NoReturn:
    raise ValueError(_("%(number)s is no finite number") % {"number": text[:40]})


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _value in pairs]
        twin = next(name for name in names if names.count(name) > 1)
        raise ValueError(_("the key '%(name)s' is there twice") % {"name": twin[:120]})
    return found
