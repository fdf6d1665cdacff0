import torch

from training.compile_proof import BATCH, forward, graph_hash
from training.hashing import hash_of
from training.inputs import FromPixels, OnDeviceSteps, example
from training.models import build

CPU = torch.device("cpu")
SHAPE = [1, 8, 8]


def fixed_batch(shape):
    return example({"kind": "image", "input": {"shape": shape, "dtype": "uint8"}}, BATCH, CPU)


def model(seed=1, steps=(), **preset):
    return FromPixels(OnDeviceSteps(list(steps), SHAPE), build({"source": "conv", **preset}, SHAPE, 3, seed))


def test_the_graph_does_not_depend_on_the_weights_and_repeats():
    batch = fixed_batch(SHAPE)
    assert graph_hash(model(1), batch) == graph_hash(model(2), batch)


def test_another_width_or_depth_is_another_graph():
    batch = fixed_batch(SHAPE)
    hashes = {graph_hash(model(**preset), batch) for preset in ({}, {"channels": [16, 33]}, {"hidden": [64, 64]})}
    assert len(hashes) == 3


def test_the_forward_pass_shows_weights_and_steps():
    batch = fixed_batch(SHAPE)
    scaled = model(1, [{"step": "scale", "to": [0, 1]}])
    outputs = [forward(each, batch) for each in (model(1), model(1), model(2), scaled)]
    hashes = [hash_of(output) for output in outputs]
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 3


def test_the_fixed_batch_is_raw_pixels():
    batch = fixed_batch([3, 5, 7])
    assert (batch.shape, batch.dtype) == ((2, 3, 5, 7), torch.uint8)
    assert int(batch.max()) > 240 and not torch.equal(batch[0], batch[1])
