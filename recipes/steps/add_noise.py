"""Add noise: numbers that are a little wrong, on purpose, and by how much is known."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from PIL import Image

from contract.problems import Problem, gettext_noop
from recipes.context import Context
from recipes.picture import Picture
from recipes.steps.base import IMAGE, TABLE, ImageStep, is_list_of, is_number, is_whole
from recipes.steps.shuffle import WRONG_SEED
from recipes.steps.table import TableStep, absent, check_columns
from recipes.table import Column, Table

GAUSSIAN, LAPLACE = "gaussian", "laplace"
PIXEL_MAX = 255
SCALED = gettext_noop("Add %(distribution)s noise of scale %(scale)s to %(columns)s (seed %(seed)s).")
PRIVATE = gettext_noop(
    "Clip %(columns)s to %(low)s–%(high)s and add Laplace noise of scale range / ε, ε = %(epsilon)s a value."
)
PIXELS = gettext_noop("every pixel")


@dataclass(frozen=True)
class AddNoise(ImageStep, TableStep):
    """Of pictures to every pixel (0–255, rounded and clipped), of tables to the numbers in `columns`.

    With `epsilon` above 0 a value is first clipped to `clip`, and gets Laplace noise of scale range / ε: ε-local
    differential privacy of that value (Dwork et al. 2006). That noise comes from the project's key, not from the seed.
    """

    name: ClassVar[str] = "add-noise"
    about: ClassVar[str] = gettext_noop("Add random noise to pixels or to columns of numbers.")
    choices: ClassVar[dict[str, tuple[str, ...]]] = {"distribution": (GAUSSIAN, LAPLACE)}
    kinds: ClassVar[tuple[str, ...]] = (IMAGE, TABLE)
    sentence: ClassVar[str] = SCALED
    protects: ClassVar[str] = gettext_noop("Exact values; with ε given, each value by ε-local differential privacy.")
    does_not_protect: ClassVar[str] = gettext_noop(
        "The model. Several noisy columns of one person add up: their ε is the sum. Without ε nothing is proved."
    )
    scale: float = 0
    """standard deviation of Gaussian noise; scale b of Laplace noise (its deviation is b √2)"""
    distribution: str = GAUSSIAN
    columns: tuple[str, ...] = ()
    epsilon: float = 0
    clip: tuple[float, ...] = ()
    seed: int = 0

    @property
    def keyed(self) -> bool:
        return self.epsilon > 0

    @classmethod
    def check(cls, parameters: dict[str, Any], path: str) -> list[Problem]:
        problems = super().check(parameters, path)
        if problems:
            return problems
        if not parameters.get("scale") and not parameters.get("epsilon"):
            return [Problem(f"{path}.scale", gettext_noop("Give the scale of the noise, or an ε above 0."))]
        if parameters.get("epsilon") and len(parameters.get("clip", [])) != 2:
            sentence = gettext_noop("ε needs 'clip': [lowest, highest], the range that values are clipped to.")
            return [Problem(f"{path}.clip", sentence)]
        return []

    @classmethod
    def check_value(cls, name: str, value: Any) -> str:
        if name == "columns":
            return "" if value in ((), []) else check_columns(value)
        if name == "seed":
            return "" if is_whole(value, 0, 2**32 - 1) else WRONG_SEED
        if name == "distribution":
            return "" if value in (GAUSSIAN, LAPLACE) else gettext_noop("Expected 'gaussian' or 'laplace'.")
        if name == "clip":
            fits = value in ((), []) or (is_list_of(is_number, value, 2) and value[0] < value[1])
            return "" if fits else gettext_noop("Expected [lowest, highest], two numbers, the lower one first.")
        return "" if is_number(value) and value >= 0 else gettext_noop("Expected a number, 0 or more.")

    def words(self) -> tuple[str, dict[str, Any]]:
        params = vars(self) | {"columns": ", ".join(self.columns) or PIXELS}
        if self.epsilon:
            return PRIVATE, params | {"low": self.clip[0], "high": self.clip[1]}
        return SCALED, params

    def account(self, counts: dict[str, int], classes: list[str]) -> dict[str, Any]:
        """ε of several columns of one row add up."""
        return counts | (
            {"epsilon_of_a_row": self.epsilon * len(self.columns)} if self.epsilon and self.columns else {}
        )

    def problems(self, table: Table, path: str) -> list[Problem]:
        if not self.columns:
            return [Problem(f"{path}.columns", gettext_noop("Name the columns of numbers that get noise."))]
        words = {column.name for column in table.columns if column.is_words}
        sentence = gettext_noop("Noise needs a column of numbers.")
        wrong = [Problem(f"{path}.columns", sentence) for name in self.columns if name in words]
        return absent(table, self.columns, path) or wrong

    def change(self, picture: Picture, context: Context) -> Picture:
        values = np.asarray(picture.image, np.float64)
        noisy = np.clip(np.rint(self._noisy(values, context)), 0, PIXEL_MAX).astype(np.uint8)
        context.count("pictures")
        return Picture(Image.fromarray(noisy), picture.boxes)

    def transform(self, table: Table, learned: Any, context: Context) -> Table:
        names = [name for name in table.names if name in self.columns]
        values = np.stack([column.values for column in table.columns if column.name in names], axis=1)
        for row, number in enumerate(table.numbers.tolist()):
            values[row] = self._noisy(values[row], replace(context, item=number))
        context.count("values", values.size)
        noisy = {name: values[:, place] for place, name in enumerate(names)}
        return table.with_columns(
            lambda column: (
                [Column(column.name, "number", noisy[column.name], column.missing)]
                if column.name in noisy
                else [column]
            )
        )

    def _noisy(self, values: np.ndarray, context: Context) -> np.ndarray:
        if self.epsilon:
            low, high = self.clip
            return np.clip(values, low, high) + context.secret().laplace(0, (high - low) / self.epsilon, values.shape)
        chance = context.seeded(self.seed)
        draw = chance.normal if self.distribution == GAUSSIAN else chance.laplace
        return values + draw(0, self.scale, values.shape)
