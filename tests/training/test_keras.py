"""A Keras definition as a real attempt: it runs as its author wrote it, and what it leaves is run again."""

import copy
import os

import numpy as np
import pytest
import torch

from contract.reasons import EndReason
from contract.run_dir import read_json
from tests.contract.keras_models import layer, sequential, three_layers
from tests.training.factories import events, prepared_data, spec, tiny
from tests.training.ranks import Attempt
from training import optimizers
from training.failures import Failure
from training.models.keras_net import from_definition
from training.tasks import task_of

pytestmark = pytest.mark.integration
PICTURES = {
    "kind": "image", "input": {"shape": [1, 6, 6], "dtype": "uint8", "column": "image"}, "target": {"column": "label"},
    "classes": ["a", "b", "c"],
}  # fmt: skip


@pytest.fixture(scope="module")
def keras(tmp_path_factory):
    os.environ["KERAS_BACKEND"] = "torch"
    os.environ.setdefault("KERAS_HOME", str(tmp_path_factory.mktemp("keras")))
    import keras

    return keras


def net_of(definition, manifest=PICTURES, task="image-classification", outputs=3):
    return from_definition({"source": "keras", "definition": definition}, task, manifest, outputs, seed=3)


def test_a_sequential_of_three_layers_is_trained_left_and_run_again(starter, tmp_path, data_dir):
    data = prepared_data(data_dir, *tiny(300), classes=["a", "b", "c"])
    model = {"source": "keras", "definition": three_layers()}
    job = spec(model=model, training={"num_train_epochs": 12, "per_device_train_batch_size": 16})
    attempt = Attempt(starter, tmp_path / "job", job, [data, data])
    reports = attempt.run(120)
    assert [report["outcome"] for report in reports] == ["succeeded"] * 2, attempt.log(0)
    told = events(attempt.paths(0), "evaluation")[0]["data"]["metrics"]
    assert told["accuracy"] >= 0.9 and told == events(attempt.paths(1), "evaluation")[0]["data"]["metrics"]
    [onnx] = events(attempt.paths(0), "artifact", name="model.onnx")
    assert onnx["data"]["parity"]["agreement"] == 1.0
    errand = {"kind": "errand", "errand": {"kind": "evaluate", "artifact": "model.safetensors", "split": "test"}}
    again = Attempt(starter, tmp_path / "again", job, [data], model_dir=str(attempt.paths(0).artifacts), more=errand)
    again.run(120)
    answer = read_json(again.paths(0).exit)["answer"]
    assert answer["metrics"]["accuracy"] == pytest.approx(told["accuracy"]), answer
    assert answer["parity"]["passed"]


@pytest.mark.parametrize(
    ("optimizer", "apart"),
    [({}, 0.01), ({"name": "SGD", "momentum": 0.9}, 1e-5), ({"name": "RMSprop"}, 0.01)],
)
def test_it_learns_what_keras_own_fit_learns(keras, optimizer, apart):
    """Adam and RMSprop add their epsilon at another place in torch than in Keras: where a gradient is next to nothing,
    their steps differ."""
    definition = three_layers(**optimizer)
    job, net = spec(model={"source": "keras", "definition": definition}), net_of(definition)
    training, task = job["training"], task_of("image-classification", PICTURES, job["training"])
    theirs = keras.Sequential.from_config(copy.deepcopy(definition["config"]))
    theirs.compile(
        optimizer={
            "Adam": keras.optimizers.Adam(0.005),
            "SGD": keras.optimizers.SGD(0.005, momentum=0.9),
            "RMSprop": keras.optimizers.RMSprop(0.005),
        }[optimizer.get("name", "Adam")],
        loss="sparse_categorical_crossentropy",
    )
    for variable, tensor in zip(theirs.variables, net.state_dict().values(), strict=True):
        variable.assign(tensor)
    images, labels = tiny(64)
    pixels, labels = torch.from_numpy(images).float() / 255, torch.from_numpy(labels)
    step = optimizers.build(training, dict(net.named_parameters()))
    for batch in torch.arange(64).split(16) * 3:
        loss, weight = task.loss(net(pixels[batch]), labels[batch])
        step.zero_grad()
        (loss / weight).backward()
        step.step()
        said = theirs.train_on_batch(pixels[batch].permute(0, 2, 3, 1).numpy(), labels[batch].numpy())
        assert float(loss.detach()) / weight == pytest.approx(float(said), rel=apart)
    for variable, tensor in zip(theirs.variables, net.state_dict().values(), strict=True):
        assert np.isclose(tensor, variable.numpy(), rtol=0, atol=apart).mean() > 0.95


def test_a_batch_norm_keeps_its_statistics_and_only_while_training(keras):
    net = net_of(
        sequential(
            layer("InputLayer", "input", batch_shape=[None, 6, 6, 1]),
            layer("Conv2D", "conv", filters=4, kernel_size=[3, 3]),
            layer("BatchNormalization", "norm"),
            layer("Dropout", "drop", rate=0.5),
            layer("Flatten", "flatten"),
            layer("Dense", "classes", units=3),
        )
    )
    statistics = dict(net.named_buffers())
    assert set(statistics) == {"layers.norm.moving_mean", "layers.norm.moving_variance"}
    pixels, before = torch.rand(8, 1, 6, 6), statistics["layers.norm.moving_mean"].clone()
    net.eval()
    assert torch.equal(net(pixels), net(pixels))
    assert torch.equal(statistics["layers.norm.moving_mean"], before)
    net.train()
    assert not torch.equal(net(pixels), net(pixels))
    assert not torch.equal(statistics["layers.norm.moving_mean"], before)
    assert net.heads == ("layers.classes",)


def test_one_yes_or_no_is_two_classes(keras):
    definition = sequential(layer("Flatten", "flat"), layer("Dense", "yes", units=1, activation="sigmoid"))
    net = net_of(definition, PICTURES | {"classes": ["no", "yes"]}, outputs=2)
    logits, labels = net(torch.rand(6, 1, 6, 6)), torch.tensor([0, 1, 1, 0, 1, 0])
    probability = torch.sigmoid(logits[:, 1])
    ours = torch.nn.functional.cross_entropy(logits, labels)
    torch.testing.assert_close(ours, torch.nn.functional.binary_cross_entropy(probability, labels.float()))


@pytest.mark.parametrize(
    ("definition", "more", "sentence"),
    [
        (three_layers(sides=(28, 28, 1)), {}, "takes 28×28×1, the data has pictures of 6×6×1.*resize"),
        (three_layers(classes=10), {}, "gives 10 numbers, the data needs 3"),
        (sequential(layer("Dense", "d", units=3, activation="magic")), {}, "Keras builds no model"),
        (
            sequential(layer("Embedding", "e", input_dim=9, output_dim=4), layer("Dense", "d", units=3)),
            {"kind": "text", "input": {"shape": [8], "dtype": "int32"}, "text": {"vocabulary": 260, "pad": 0}},
            "knows 9 tokens, the data has 260",
        ),
    ],
)
def test_what_does_not_fit_the_data_is_said_with_what_to_change(keras, definition, more, sentence):
    with pytest.raises(Failure, match=sentence) as refusal:
        net_of(definition, PICTURES | more, "text-classification" if more else "image-classification")
    assert refusal.value.reason == EndReason.IMPOSSIBLE
