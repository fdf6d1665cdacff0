"""Files as users bring them: boxes in pictures, sentences, rows of a table."""

import csv
import io
import json
import zipfile

import numpy as np
from PIL import Image
from sklearn.datasets import load_wine

from tests.training import task_data
from tests.training.factories import mnist

WINE = ("alcohol", "flavanoids", "color_intensity", "proline")


def coco_zip(count: int = 90) -> bytes:
    """Digits on canvases with their boxes, as COCO has them: [x, y, width, height]."""
    generator = np.random.default_rng(11)
    images, labels = mnist()
    packed, listed, boxes = io.BytesIO(), [], []
    with zipfile.ZipFile(packed, "w") as into:
        for number in range(1, count + 1):
            drawn = task_data.canvas(generator, images[:, 0], labels % 2)
            raw = io.BytesIO()
            Image.fromarray(drawn["image"][0]).save(raw, "PNG")
            into.writestr(f"images/{number}.png", raw.getvalue())
            listed.append({"id": number, "file_name": f"{number}.png", "width": 64, "height": 64})
            for left, top, right, bottom, label in drawn["boxes"].tolist():
                box = {"bbox": [left, top, right - left, bottom - top], "category_id": int(label) + 1}
                boxes.append({"id": len(boxes) + 1, "image_id": number, "iscrowd": 0} | box)
        categories = [{"id": 1, "name": "even"}, {"id": 2, "name": "odd"}]
        content = {"images": listed, "annotations": boxes, "categories": categories}
        into.writestr("annotations.json", json.dumps(content))
    return packed.getvalue()


def sentences_csv() -> bytes:
    """Finnish and German sentences, one a row with its language."""
    names = ("fi", "de")
    rows = [(text, name) for name in names for text in task_data.sentences(names)[name][:60]]
    text = io.StringIO()
    csv.writer(text).writerows([("text", "label"), *rows])
    return text.getvalue().encode()


def wines_csv() -> bytes:
    """scikit-learn's 178 wines of 3 growers, 4 of their measurements."""
    wines = load_wine()
    columns = [list(wines.feature_names).index(name) for name in WINE]
    text = io.StringIO()
    rows = (
        [*values[columns], wines.target_names[label]] for values, label in zip(wines.data, wines.target, strict=True)
    )
    csv.writer(text).writerows([(*WINE, "grower"), *rows])
    return text.getvalue().encode()
