"""Preparing pictures by `datasets.map`, for `benchmarks/data.py`. Runs in an environment that has `datasets`."""

import json
import resource
import sys
import time

import numpy as np
from datasets import Array3D, Dataset, Features, Value
from PIL import Image


def main() -> None:
    order = json.load(sys.stdin)
    paths, labels = zip(*order["files"], strict=True)
    size = order["size"]
    with Image.open(paths[0]) as image:
        channels = len(image.getbands())
        height, width = size or (image.height, image.width)
    features = Features({"image": Array3D((channels, height, width), "uint8"), "label": Value("int64")})

    def decoded(row: dict) -> dict:
        with Image.open(row["file"]) as image:
            shown = image.resize((width, height), Image.Resampling.BILINEAR) if size else image
            pixels = np.asarray(shown)
        return {"image": pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1), "label": row["label"]}

    files = Dataset.from_dict({"file": list(paths), "label": list(labels)})
    made: list[Dataset] = []

    def prepare() -> None:
        made.append(
            files.map(
                decoded,
                features=features,
                remove_columns=["file"],
                num_proc=order["processes"],
                cache_file_name=f"{order['cache']}.arrow",
            )
        )

    def read() -> None:
        data = made[0].with_format("numpy")
        chance = np.random.default_rng(0).permutation(len(data))
        for start in range(0, len(data), order["batch"]):
            data[chance[start : start + order["batch"]]]

    prepared, first, later = timed(prepare), timed(read), timed(read)
    print(json.dumps({"first": [one + other for one, other in zip(prepared, first, strict=True)], "later": later}))


def timed(work) -> tuple[float, float]:
    began, used = time.perf_counter(), cpu_seconds()
    work()
    return time.perf_counter() - began, cpu_seconds() - used


def cpu_seconds() -> float:
    parts = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(part.ru_utime + part.ru_stime for part in parts)


if __name__ == "__main__":
    main()
