"""The steps that a recipe can have. A new one: write its file, list it here, copy `tests/recipes/test_steps.py`."""

from recipes.steps.base import DeviceStep, ImageStep, Shape, Statistics, Step
from recipes.steps.decode import Decode
from recipes.steps.grayscale import Grayscale
from recipes.steps.normalise import Normalise
from recipes.steps.resize import Resize
from recipes.steps.rgb import Rgb
from recipes.steps.scale import Scale
from recipes.steps.shuffle import Shuffle

STEPS: dict[str, type[Step]] = {step.name: step for step in (Decode, Shuffle, Grayscale, Rgb, Resize, Scale, Normalise)}

__all__ = ["STEPS", "Decode", "DeviceStep", "ImageStep", "Normalise", "Shape", "Shuffle", "Statistics", "Step"]
