"""`{{ value|spec_value }}`: a value of a job spec, as it stands in the spec's text."""

import json
from typing import Any

from django import template
from django.utils.translation import gettext as _

register = template.Library()


@register.filter
def spec_value(value: Any) -> str:
    if value is None or value == "":
        return _("nothing")
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
