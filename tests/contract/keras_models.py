"""Definitions of Keras models as `model.to_json()` writes them, without Keras."""

from typing import Any


def layer(kind: str, name: str, **config: Any) -> dict[str, Any]:
    return {"module": "keras.layers", "class_name": kind, "config": {"name": name, **config}, "registered_name": None}


def sequential(*layers: dict[str, Any], compiled: dict[str, Any] | None = None) -> dict[str, Any]:
    definition = {"module": "keras", "class_name": "Sequential", "config": {"name": "net", "layers": list(layers)}}
    return definition | ({"compile_config": compiled} if compiled else {})


def three_layers(*, sides: tuple[int, ...] = (6, 6, 1), classes: int = 3, **optimizer: Any) -> dict[str, Any]:
    """Pictures, one hidden layer, a softmax; compiled with Adam unless `optimizer` (name and arguments) says else."""
    kind = optimizer.pop("name", "Adam")
    return sequential(
        layer("InputLayer", "input", batch_shape=[None, *sides], dtype="float32"),
        layer("Flatten", "flatten"),
        layer("Dense", "hidden", units=16, activation="relu"),
        layer("Dense", "classes", units=classes, activation="softmax"),
        compiled={
            "optimizer": {"class_name": kind, "config": {"learning_rate": 0.004999999888241291, **optimizer}},
            "loss": "sparse_categorical_crossentropy",
            "metrics": ["accuracy"],
        },
    )
