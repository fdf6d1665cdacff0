"""Text from bytes: by its byte order mark, as UTF-8, or by what its bytes look like."""

import codecs

from contract.problems import gettext_noop
from recipes.sandbox.inside import Refused

MARKS = [
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
]
SAMPLE_BYTES = 256 * 1024
WESTERN = set("äöüÄÖÜßéèêëÉàâáÀåÅæÆçÇñÑóòôøØíîïúùûœ’‘“”„–—…€°«»¿¡§·´")
CHINESE = {"gb2312", "gbk", "hz", "gb18030"}


def decoded(data: bytes, encoding: str = "") -> tuple[str, str]:
    """(text, name of its encoding). Raises Refused when the bytes are no text in `encoding`, or in any known one."""
    name = encoding or detect(data)
    if not name:
        raise Refused(gettext_noop("The encoding of the text is not clear. Save it as UTF-8, or say which one it is."))
    try:
        text = data.decode(name)
    except UnicodeError as error:
        sentence = gettext_noop(
            "The text is not %(encoding)s: line %(line)s has bytes that mean nothing in it. "
            "Choose another encoding, or save the file as UTF-8."
        )
        raise Refused(sentence, encoding=name, line=line_of(data, error, name)) from error
    if "\x00" in text:
        raise Refused(gettext_noop("The file holds zero bytes: it is no text, or in another encoding."))
    return text.removeprefix("\ufeff"), name


def line_of(data: bytes, error: UnicodeError, encoding: str) -> int:
    """The line, from 1, at which `data` stopped being text in `encoding`."""
    return data[: getattr(error, "start", 0)].decode(encoding, "ignore").count("\n") + 1


def detect(data: bytes) -> str:
    """ "" when nothing fits."""
    return _mark_of(data) or ("utf-8" if _decodes(data, "utf-8") else _looks_like(data))


def is_plain(data: bytes) -> bool:
    """Whether nothing has to be guessed: it says its encoding by a mark, or is UTF-8."""
    return bool(_mark_of(data)) or _decodes(data, "utf-8")


def _mark_of(data: bytes) -> str:
    return next((name for mark, name in MARKS if data.startswith(mark)), "")


def _looks_like(data: bytes) -> str:
    from charset_normalizer import from_bytes  # slow to import, and rarely needed

    pairs = _share_in_pairs(data[:SAMPLE_BYTES])
    if pairs > 0.95 and _decodes(data, "gb18030"):
        return "gb18030"  # short Chinese texts look like anything to a statistic; its bytes come in pairs
    if _is_western(data[:SAMPLE_BYTES]):
        return "cp1252"
    best = from_bytes(data[:SAMPLE_BYTES]).best()
    name = best.encoding if best else "cp1252"
    if name in CHINESE:
        name = "gb18030"
    if name in ("latin_1", "iso8859_1", "cp1250", "ascii"):
        name = "cp1252"
    return name if _decodes(data, name) else "cp1252" if _decodes(data, "cp1252") else ""


def _is_western(data: bytes) -> bool:
    """Few letters beyond ASCII, and nearly all of them such as western languages have. (Czech, Polish or Russian in
    their own code pages look otherwise.)
    """
    text = data.decode("cp1252", "replace")
    beyond = [char for char in text if ord(char) > 127]
    return len(beyond) < len(text) / 3 and sum(char in WESTERN for char in beyond) > 0.97 * len(beyond)


def _share_in_pairs(data: bytes) -> float:
    """The share of bytes above 127 that lie in runs of an even length: 1 for text of two-byte characters."""
    even = total = run = 0
    for byte in data + b" ":
        if byte > 127:
            run += 1
            continue
        total += run
        even += run if run % 2 == 0 else 0
        run = 0
    return even / total if total else 0.0


def _decodes(data: bytes, name: str) -> bool:
    try:
        data.decode(name)
    except (UnicodeError, LookupError):
        return False
    return True
