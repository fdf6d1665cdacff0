"""Opening pictures that nobody has checked: which formats, how large, and why one cannot be read.

The limits are those of `docs/security.md`: formats are told by content, never by name, and the size is read from the
header before a single pixel is decoded.
"""

import io
import os
import signal
import threading
import time
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
    with _time_limit:
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


class _TimeLimit:
    """Raise Unreadable in a block that takes MAX_SECONDS, where a process may have an alarm (its main thread, not on
    Windows). The alarm is set again when it rings too early, not for each picture: that would cost as much as a tenth
    of a small one.
    """

    def __init__(self) -> None:
        self._installed = self._is_set = False
        self._began = 0.0
        """0: no block runs"""

    def __enter__(self) -> None:
        if threading.current_thread() is not threading.main_thread() or not self._can_ring():
            return
        self._began = time.monotonic()
        if not self._is_set:
            self._ring_in(MAX_SECONDS)

    def __exit__(self, *_) -> None:
        self._began = 0.0

    def forked(self) -> None:
        """A child has the handler, and none of its parent's alarms."""
        self._is_set, self._began = False, 0.0

    def _can_ring(self) -> bool:
        if not self._installed:
            try:
                signal.signal(signal.SIGALRM, self._rings)
            except (ValueError, AttributeError):
                return False
            self._installed = True
        return True

    def _ring_in(self, seconds: float) -> None:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        self._is_set = True

    def _rings(self, *_) -> None:
        self._is_set = False
        if not self._began:
            return
        if (left := self._began + MAX_SECONDS - time.monotonic()) > 0:
            self._ring_in(left)
            return
        self._began = 0.0
        raise Unreadable(gettext_noop("Reading the picture takes longer than %(seconds)s s."), seconds=MAX_SECONDS)


_time_limit = _TimeLimit()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_time_limit.forked)
