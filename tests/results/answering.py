"""Small pictures of two classes whose prepared data lies on the server, and devices that answered each of them."""

import json

import numpy as np

from catalog import places
from recipes.prepared import Column, Writer
from results.models import Measurement, ResultVersion
from tests.results.factories import answered, make_result
from training.quality.exam import packed

TRUE, SAID, LOSS = [0, 0, 1, 1], [0, 1, 1, 1], [0.1, 2.0, 0.3, 0.2]
INTERVAL = {"value": 0.75, "low": 0.5, "high": 1.0, "n": 4, "resamples": 1000}


def pictured_result(**parts) -> ResultVersion:
    version = make_result(name="digits", **parts)
    prepared = version.job.prepared
    with Writer(
        places.prepared(),
        task="image-classification",
        kind="image",
        classes=["cat", "dog"],
        columns={"image": Column("uint8", (1, 6, 6)), "label": Column("int64")},
        input_column="image",
        target_column="label",
    ) as writer:
        for label in TRUE:
            writer.add("test", image=np.full((1, 6, 6), 90 * label, np.uint8), label=label)
        path = writer.finish()
    prepared.hash, prepared.manifest = path.name, json.loads((path / "manifest.json").read_text())
    prepared.save()
    return version


def ask(client, artifact: str = "model.onnx", device: str = "lab-1-cpu-0", **more) -> Measurement:
    body = {"result": "digits", "artifact": artifact, "devices": [device], **more}
    reply = client.post("/api/v1/evaluations/", body, content_type="application/json")
    assert reply.status_code == 202, reply.content
    return Measurement.objects.get(pk=reply.json()[0]["id"])


def answer(measurement: Measurement, true=TRUE, said=SAID, loss=LOSS, **more) -> Measurement:
    """The device has answered every row: `said` where `true` is right."""
    right = np.array(true) == np.array(said)
    columns = {"true": np.array(true), "answer": np.array(said), "loss": np.array(loss)}
    columns |= {"score": right.astype(float), "weight": np.ones(len(right))}
    rows = {name: packed(column) for name, column in columns.items()}
    answered(measurement, metrics={"accuracy": float(right.mean()), "ece": 0.1}, details=details(), rows=rows, **more)
    return measurement


def details():
    bins = [{"low": 0.9, "high": 1.0, "count": 4, "confidence": 0.95, "accuracy": 0.75}]
    return {
        "confusion": [[1, 1], [0, 2]],
        "intervals": {"accuracy": INTERVAL},
        "per_class": {"f1": [0.6666, 0.8]},
        "calibration": bins,
        "worst": [1, 2],
    }
