"""Pictures as the model was shown them: rows of prepared data as PNG, which hold nothing that we did not write."""

import io

import numpy as np
from PIL import Image

from catalog import places
from recipes.prepared import Damaged, Ragged, open_prepared
from results.models import Measurement

SMALLEST_SIDE = 96
"""smaller pictures are enlarged by whole steps, so that their pixels stay sharp"""


def png(measurement: Measurement, row: int) -> bytes | None:
    """None where the prepared data does not lie on the server, has no such row, or is of no pictures."""
    try:
        prepared = open_prepared(places.prepared_data(measurement.prepared.hash))
        column = prepared.split(measurement.split).column(prepared.manifest["input"]["column"])
    except (Damaged, OSError, KeyError):
        return None
    if isinstance(column, Ragged) or column.ndim != 4 or column.dtype != np.uint8 or not 0 <= row < len(column):
        return None
    into = io.BytesIO()
    _enlarged(_image(np.asarray(column[row]))).save(into, "PNG")
    return into.getvalue()


def _image(pixels: np.ndarray) -> Image.Image:
    """From uint8 [channels, height, width]: one channel is grey, of more the first three are red, green, blue."""
    if len(pixels) < 3:
        return Image.fromarray(np.ascontiguousarray(pixels[0]))
    return Image.fromarray(np.ascontiguousarray(pixels[:3].transpose(1, 2, 0)))


def _enlarged(image: Image.Image) -> Image.Image:
    times = max(1, -(-SMALLEST_SIDE // max(image.size)))
    return image.resize((image.width * times, image.height * times), Image.Resampling.NEAREST)
