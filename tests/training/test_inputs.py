import pytest
import torch

from training.inputs import FromPixels, OnDeviceSteps


def test_scale_and_normalise_give_what_they_say():
    steps = [{"step": "scale", "to": [0, 1]}, {"step": "normalise", "mean": [0.5, 0.1], "std": [0.25, 0.2]}]
    pixels = torch.randint(0, 256, (3, 2, 4, 4), dtype=torch.uint8)
    mean, deviation = torch.tensor([0.5, 0.1]).view(2, 1, 1), torch.tensor([0.25, 0.2]).view(2, 1, 1)
    expected = (pixels.float() / 255 - mean) / deviation
    torch.testing.assert_close(OnDeviceSteps(steps, [2, 4, 4])(pixels), expected)


def test_scale_goes_to_the_range_that_is_asked_for():
    scaled = OnDeviceSteps([{"step": "scale", "to": [-1, 1]}], [1, 1, 2])(torch.tensor([[[[0, 255]]]]))
    torch.testing.assert_close(scaled, torch.tensor([[[[-1.0, 1.0]]]]))


def test_without_steps_pixels_become_floats():
    assert OnDeviceSteps([], [1, 1, 1])(torch.tensor([[[[7]]]], dtype=torch.uint8)).tolist() == [[[[7.0]]]]


def test_an_unknown_step_is_refused_by_name():
    with pytest.raises(ValueError, match="blur"):
        OnDeviceSteps([{"step": "blur"}], [1, 2, 2])


def test_the_steps_are_no_part_of_the_weights():
    model = FromPixels(OnDeviceSteps([], [1, 2, 2]), torch.nn.Flatten())
    assert model.state_dict() == {}
