"""A new step goes as late as the rules of order let it."""

import pytest

from recipes.fitting import Facts
from recipes.placing import last_place
from recipes.steps import STEPS
from recipes.steps.base import IMAGE, KINDS, TABLE, TEXT

COLUMNS = [
    {"name": "age", "type": "number", "missing": 3},
    {"name": "mail", "type": "category", "missing": 0},
    {"name": "town", "type": "category", "missing": 0},
]
PICTURES = [{"step": "decode"}, {"step": "grayscale"}, {"step": "scale"}, {"step": "normalise"}]
TEXTS = [{"step": "chat-template"}, {"step": "tokenise"}, {"step": "pack"}]
ROWS = [{"step": "impute"}, {"step": "one-hot"}, {"step": "standardise"}]


@pytest.mark.parametrize(
    ("kind", "steps", "name", "place"),
    [
        (IMAGE, PICTURES, "resize", 2),
        (IMAGE, PICTURES, "flip", 4),
        (IMAGE, PICTURES[1:], "decode", 0),
        (IMAGE, [], "resize", 0),
        (IMAGE, [{"step": "resize"}, {"step": "scale"}], "blur", 1),  # one that is not finished yet is before it
        (TEXT, TEXTS, "redact", 1),
        (TEXT, TEXTS, "truncate", 3),
        (TEXT, [{"step": "pack"}], "tokenise", 0),
        (TABLE, ROWS, "redact", 1),
        (TABLE, ROWS, "drop-columns", 1),
        (TABLE, ROWS, "shuffle", 3),
        (TABLE, [{"step": "drop-columns", "columns": ["mail"]}, *ROWS], "pseudonymise", 0),
        (TABLE, [{"step": "drop-columns"}, *ROWS], "redact", 0),
    ],
)
def test_a_new_step_goes_as_late_as_the_order_lets_it(kind, steps, name, place):
    assert last_place(name, steps, Facts(kind, columns=COLUMNS)) == place


def test_a_step_that_nothing_lets_in_goes_to_the_end_where_its_sentence_stands():
    assert last_place("scale", PICTURES, Facts(IMAGE)) == 4


@pytest.mark.parametrize("kind", KINDS)
def test_every_parameter_says_what_it_expects(kind):
    steps = [step for step in STEPS.values() if kind in step.kinds]
    assert [(step.name, name) for step in steps for name in step.parameters() if not step.check_value(name, None)] == []
