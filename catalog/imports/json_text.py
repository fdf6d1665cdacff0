"""JSON that nobody has checked."""

import json
import re
from typing import Any

MAY_HOLD_NO_TEXT = re.compile(r"\\u(0000|[dD][89a-fA-F])")


def parsed(text: str) -> Any:
    """Not-a-number and infinities become None. Raises ValueError or RecursionError for what is no JSON, and for text
    that no file can hold: zero characters, and halves of characters (an escaped surrogate without its other half).
    """
    content = json.loads(text, parse_constant=lambda _name: None)
    if MAY_HOLD_NO_TEXT.search(text):
        _refuse_no_text(content)
    return content


def _refuse_no_text(content: Any) -> None:
    written = json.dumps(content, ensure_ascii=False)
    if "\\u0000" in written.replace("\\\\", ""):
        raise ValueError("it holds a zero character")
    try:
        written.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"it holds half a character, {written[error.start]!a}") from error
