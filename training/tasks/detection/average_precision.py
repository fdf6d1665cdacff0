"""COCO's mean average precision, by faster-coco-eval."""

import logging
from typing import Any

import numpy as np

STATS = {"map": 0, "map_50": 1}
"""places in the twelve numbers of COCO: over overlaps 0.5 to 0.95, and at 0.5"""


def average_precision(truth: np.ndarray, said: np.ndarray, classes: int) -> dict[str, float]:
    """`map` and `map_50`. Rows of `truth`: picture, class, x1, y1, x2, y2; of `said` the same with a score behind."""
    if not len(truth) or not len(said):
        return dict.fromkeys(STATS, 0.0)
    stats = coco_evaluation(truth, said, classes).stats
    return {name: max(0.0, float(stats[place])) for name, place in STATS.items()}


def coco_evaluation(truth: np.ndarray, said: np.ndarray, classes: int) -> Any:
    """COCO's own object after it ran: `stats`, `eval["precision"]` [overlaps, recalls, classes, sizes, most boxes]."""
    from faster_coco_eval import COCO, COCOeval_faster  # 1.5 s to import, and only this needs it

    logging.getLogger("faster_coco_eval").setLevel(logging.ERROR)
    pictures = np.unique(np.concatenate([truth[:, 0], said[:, 0]]).astype(int))  # what is said of an empty one is wrong
    true = COCO(_coco(truth, pictures, classes), print_function=_quiet)
    evaluation = COCOeval_faster(true, true.loadRes(_annotations(said)), "bbox", print_function=_quiet)
    evaluation.run()
    return evaluation


def _coco(truth: np.ndarray, pictures: np.ndarray, classes: int) -> dict[str, Any]:
    return {
        "images": [{"id": int(picture)} for picture in pictures],
        "categories": [{"id": label, "name": str(label)} for label in range(classes)],
        "annotations": _annotations(truth),
    }


def _annotations(rows: np.ndarray) -> list[dict[str, Any]]:
    """COCO counts annotations from 1 and takes a number 0 for none."""
    return [
        {
            "id": number,
            "image_id": int(picture),
            "category_id": int(label),
            "bbox": [left, top, right - left, bottom - top],
            "area": (right - left) * (bottom - top),
            "iscrowd": 0,
            **({"score": score[0]} if score else {}),
        }
        for number, (picture, label, left, top, right, bottom, *score) in enumerate(rows.tolist(), 1)
    ]


def _quiet(*_: object) -> None:
    pass
