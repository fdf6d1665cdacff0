"""Opening pictures that nobody has checked: which formats, how large, and why one cannot be read.

The limits are those of `docs/security.md`: formats are told by content, never by name, and the size is read from the
header before a single pixel is decoded.
"""

import io
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from PIL import Image

from contract.problems import gettext_noop

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")
SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "BMP": ".bmp", "TIFF": ".tif", "GIF": ".gif"}
MAX_PIXELS = 40_000_000
MAX_BYTES = 64 * 1024 * 1024
MAX_SECONDS = 10
ORIENTATION_TAG = 0x0112
SAY_ORIENTATION = ("exif", "Raw profile type exif", "raw profile type exif", "xmp", "XML:com.adobe.xmp")
"""where Pillow looks for it, but for TIFF files; looking costs as much as a small picture"""
WHITE = (255, 255, 255)
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_installed = False

Image.MAX_IMAGE_PIXELS = None  # `_refuse_too_large` decides, with a sentence


class Unreadable(ValueError):
    """One item cannot be used: a sentence with named placeholders says why."""

    def __init__(self, sentence: str, **params: Any):
        self.sentence, self.params = sentence, params
        super().__init__(sentence % params)


def decode(data: bytes, background: tuple[int, int, int] = WHITE, least_side: int = 0) -> Image.Image:
    """The first frame of a picture, upright, 8 bits a channel: mode L (grey) or RGB.

    What is see-through shows `background`. With `least_side` a JPEG may come out at half, a quarter or an eighth of
    its size, with both sides no shorter than that: whoever makes it smaller anyway need not decode every pixel.
    Raises Unreadable; anything that a decoder throws counts as that.
    """
    return read(data, background, least_side)[1]


def read(data: bytes, background: tuple[int, int, int] = WHITE, least_side: int = 0) -> tuple[str, Image.Image]:
    """As `decode`, with the name of the format in front."""
    with _time_limit(MAX_SECONDS):
        try:
            image = _opened(data)
            if least_side:
                image.draft(None, (least_side, least_side))
            image.load()
            kind = "JPEG" if image.format == "MPO" else str(image.format)
            return kind, _plain(_upright(image), background)
        except (Unreadable, MemoryError):
            raise
        except Exception as error:  # decoders throw whatever a broken file makes them throw
            sentence = gettext_noop("The picture is damaged or cut off (%(detail)s).")
            raise Unreadable(sentence, detail=str(error)[:120] or type(error).__name__) from error


def _opened(data: bytes) -> Image.Image:
    if len(data) > MAX_BYTES:
        raise Unreadable(gettext_noop("The file is larger than %(limit)s MiB."), limit=MAX_BYTES // 2**20)
    if not data:
        raise Unreadable(gettext_noop("The file is empty."))
    if _looks_like_svg(data):
        raise Unreadable(gettext_noop("SVG is not an image format here."))
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.UnidentifiedImageError as error:
        sentence = gettext_noop("Not a picture in a format that is read here (%(formats)s).")
        raise Unreadable(sentence, formats=", ".join(FORMATS)) from error
    if image.width * image.height > MAX_PIXELS:
        raise Unreadable(
            gettext_noop("%(width)s × %(height)s pixels is more than %(limit)s megapixels."),
            width=image.width,
            height=image.height,
            limit=MAX_PIXELS // 1_000_000,
        )
    return image


def _looks_like_svg(data: bytes) -> bool:
    head = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return head.startswith(b"<svg") or (head.startswith((b"<?xml", b"<!doctype", b"<!--")) and b"<svg" in head)


def _upright(image: Image.Image) -> Image.Image:
    """Turned as its EXIF data say; EXIF data that cannot be read turn nothing."""
    if image.format != "TIFF" and not any(name in image.info for name in SAY_ORIENTATION):
        return image
    try:
        turn = _TURNS.get(image.getexif().get(ORIENTATION_TAG, 1))
    except Exception:  # a broken tag must not cost the picture
        turn = None
    return image.transpose(turn) if turn is not None else image


def _plain(image: Image.Image, background: tuple[int, int, int]) -> Image.Image:
    if image.mode.startswith("I;16") or image.mode == "I":
        return _eight_bits(image)
    if image.mode == "F":
        raise Unreadable(gettext_noop("Pixels are floating-point numbers; save the picture with 8 or 16 bits."))
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        return _on_background(image, background)
    wanted = "L" if image.mode in ("L", "1") else "RGB"
    return image if image.mode == wanted else image.convert(wanted)


def _eight_bits(image: Image.Image) -> Image.Image:
    """16 bits to 8 by rounding: 65535 becomes 255."""
    values = np.asarray(image).astype(np.int64)
    if values.size and not 0 <= int(values.min()) <= int(values.max()) <= 65535:
        raise Unreadable(gettext_noop("Pixels have 32 bits; save the picture with 8 or 16 bits."))
    return Image.fromarray(((values + 128) // 257).astype(np.uint8))


def _on_background(image: Image.Image, background: tuple[int, int, int]) -> Image.Image:
    grey = image.mode in ("L", "LA", "La") and len(set(background)) == 1
    layer = image.convert("RGBA")
    canvas = Image.new("RGBA", layer.size, (*background, 255))
    canvas.alpha_composite(layer)
    return canvas.convert("L" if grey else "RGB")


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raise Unreadable after `seconds`, where a process may take an alarm (its main thread, not on Windows)."""
    if not _alarm_is_ours():
        yield
        return
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _alarm_is_ours() -> bool:
    """Whether an alarm ends what is too slow. The handler stays: installing it costs as much as a small picture."""
    global _installed
    if not _installed or threading.current_thread() is not threading.main_thread():
        try:
            signal.signal(signal.SIGALRM, _too_slow)
        except (ValueError, AttributeError):
            return False
        _installed = True
    return True


def _too_slow(*_) -> None:
    raise Unreadable(gettext_noop("Reading the picture takes longer than %(seconds)s s."), seconds=MAX_SECONDS)
