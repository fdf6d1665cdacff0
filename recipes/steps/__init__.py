"""The steps that a recipe can have. A new one: write its file, list it here, copy `tests/recipes/test_steps.py`."""

from recipes.steps.add_noise import AddNoise
from recipes.steps.augment import ColourJitter, Crop, Flip, Mixup, Rotate
from recipes.steps.balance import Balance
from recipes.steps.base import (
    DeviceStep,
    ImageStep,
    OrderStep,
    Shape,
    Statistics,
    Step,
    TargetStep,
    TextStep,
    TrainStep,
)
from recipes.steps.chat_template import ChatTemplate
from recipes.steps.decode import Decode
from recipes.steps.drop_columns import DropColumns
from recipes.steps.generalise import Generalise
from recipes.steps.grayscale import Grayscale
from recipes.steps.impute import Impute
from recipes.steps.k_anonymity import KAnonymity
from recipes.steps.normalise import Normalise
from recipes.steps.one_hot import OneHot
from recipes.steps.pack import Pack
from recipes.steps.pseudonymise import Pseudonymise
from recipes.steps.randomise_labels import RandomiseLabels
from recipes.steps.redact import Redact
from recipes.steps.regions import Blur, FillRegion, Pixelate
from recipes.steps.remove_metadata import RemoveMetadata
from recipes.steps.resize import Resize
from recipes.steps.rgb import Rgb
from recipes.steps.scale import Scale
from recipes.steps.shuffle import Shuffle
from recipes.steps.standardise import Standardise
from recipes.steps.table import TableStep
from recipes.steps.tokenise import Tokenise
from recipes.steps.truncate import Truncate

_ANY = (Shuffle, Balance, RandomiseLabels)
_IMAGE = (Decode, RemoveMetadata, FillRegion, Blur, Pixelate, Grayscale, Rgb, Resize, AddNoise, Scale, Normalise)
_TRAIN = (Flip, Crop, Rotate, ColourJitter, Mixup)
_TEXT = (Redact, Pseudonymise, ChatTemplate, Tokenise, Truncate, Pack)
_TABLE = (DropColumns, Generalise, KAnonymity, Impute, OneHot, Standardise)

STEPS: dict[str, type[Step]] = {step.name: step for step in (*_ANY, *_IMAGE, *_TRAIN, *_TEXT, *_TABLE)}

__all__ = [
    "STEPS",
    "Balance",
    "ChatTemplate",
    "Decode",
    "DeviceStep",
    "ImageStep",
    "Normalise",
    "OrderStep",
    "Pack",
    "RandomiseLabels",
    "RemoveMetadata",
    "Shape",
    "Shuffle",
    "Statistics",
    "Step",
    "TableStep",
    "TargetStep",
    "TextStep",
    "Tokenise",
    "TrainStep",
    "Truncate",
]
