"""Each step: what it does to pixels, what it refuses, what it says."""

import io

import numpy as np
import pytest
from PIL import Image

from contract.problems import Invalid
from recipes.fitting import shape_problems
from recipes.images import Unreadable, decode
from recipes.recipe import Recipe, problems_of
from recipes.steps import STEPS, Shape
from tests.recipes.pictures import encoded, noise, plain
from tests.recipes.rows import built, with_boxes

NEEDED = {
    "resize": {"size": [8, 8]},
    "drop-columns": {"columns": ["age"]},
    "generalise": {"column": "age", "edges": [18, 65]},
    "k-anonymity": {"columns": ["age"]},
    "randomise-labels": {"epsilon": 2},
}
"""parameters without a default"""


def paths(body) -> dict[str, str]:
    return {problem.path: str(problem) for problem in problems_of(body)}


def pixels(data: bytes, *steps) -> np.ndarray:
    return np.asarray(Recipe.parse(list(steps)).read(data))


def test_decode_is_added_in_front_and_defaults_are_written_out():
    recipe = Recipe.parse([{"step": "resize", "size": [28, 20]}])
    assert recipe.to_json() == [
        {"step": "decode", "background": [255, 255, 255]},
        {"step": "resize", "size": [28, 20], "mode": "stretch"},
    ]


@pytest.mark.parametrize(
    "same",
    [
        [{"step": "decode"}, {"step": "scale"}],
        [{"step": "scale", "to": [0.0, 1.0]}],
        [{"step": "decode", "background": [255, 255, 255]}, {"step": "scale", "to": [0, 1]}],
    ],
)
def test_recipes_that_do_the_same_have_the_same_hash(same):
    assert Recipe.parse(same).hash == Recipe.parse([{"step": "scale", "to": [0, 1]}]).hash


def test_changing_one_setting_changes_the_hash():
    sizes = [[28, 28], [28, 32]]
    assert len({Recipe.parse([{"step": "resize", "size": size}]).hash for size in sizes}) == 2


def test_every_problem_is_told_at_once_with_its_path():
    found = paths(
        [
            {"step": "resize"},
            {"step": "greyscale"},
            {"step": "resize", "size": [0, 5000], "mod": "pad"},
            7,
            {"step": "normalise", "mean": [0.5]},
            {"step": "scale", "to": [1, 0]},
            {"step": "decode", "background": [0, 0, 256]},
        ]
    )
    assert set(found) == {
        "recipe.0.size",
        "recipe.1.step",
        "recipe.2.size",
        "recipe.2.mod",
        "recipe.3",
        "recipe.4.std",
        "recipe.5.to",
        "recipe.6.background",
    }
    assert found["recipe.1.step"] == "Unknown: 'greyscale'. Did you mean 'grayscale'?"


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        "resize",
        [None],
        [{"step": 1}],
        [{"step": "scale", "to": "ab"}],
        [{"step": "scale", "to": [0, float("nan")]}],
        [{"step": "scale", "to": [0, 10**400]}],
        [{"step": "resize", "size": [True, 8]}],
        [{"step": "resize", "size": [28, 28], "mode": ["pad"]}],
        [{"step": "shuffle", "seed": -1}],
        [{"step": "normalise", "mean": [0], "std": [0]}],
        [{"step": "grayscale"}] * 33,
    ],
)
def test_what_is_no_recipe_is_refused_with_problems(body):
    with pytest.raises(Invalid):
        Recipe.parse(body)


def test_steps_in_an_impossible_order_are_named():
    found = paths([{"step": "scale"}, {"step": "scale"}, {"step": "rgb"}, {"step": "decode"}])
    assert set(found) == {"recipe.1.step", "recipe.2.step", "recipe.3.step"}


@pytest.mark.parametrize("name", STEPS)
def test_every_step_says_what_it_does_and_lists_its_parameters(name):
    body = {"step": name} | NEEDED.get(name, {})
    step = STEPS[name].from_json({key: value for key, value in body.items() if key != "step"})
    sentence, params = step.words()
    assert len(sentence % params) > 20
    left_out = {"template"} if name == "chat-template" else set()  # keeps the hash of recipes from before it
    assert set(step.parameters()) - left_out == set(step.to_json()) - {"step"}


def test_grayscale_and_rgb_change_channels():
    red = plain((255, 0, 0), mode="RGB")
    assert pixels(red, {"step": "grayscale"}).shape == (4, 4)
    assert pixels(red, {"step": "grayscale"})[0, 0] == 76
    assert pixels(plain(9), {"step": "rgb"})[0, 0].tolist() == [9, 9, 9]


@pytest.mark.parametrize("mode", ["stretch", "pad", "crop"])
def test_resize_gives_height_by_width(mode):
    assert pixels(noise(1, (50, 20)), {"step": "resize", "size": [8, 12], "mode": mode}).shape == (8, 12, 3)


def test_pad_keeps_proportions_and_fills_black_and_crop_cuts():
    wide = plain(200, size=(40, 20))
    padded = pixels(wide, {"step": "resize", "size": [8, 8], "mode": "pad"})
    assert (padded[0, 0], padded[4, 4]) == (0, 200)
    assert pixels(wide, {"step": "resize", "size": [8, 8], "mode": "crop"}).min() == 200


def test_a_picture_is_turned_upright():
    image = Image.new("L", (4, 2), 0)
    image.putpixel((0, 0), 255)
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = np.asarray(decode(encoded(image, exif=exif)))
    assert turned.shape == (4, 2)
    assert turned[0, 1] == 255


@pytest.mark.parametrize(
    ("image", "kind", "mode", "value"),
    [
        (Image.new("CMYK", (4, 4), (0, 0, 0, 0)), "JPEG", "RGB", [255, 255, 255]),
        (Image.fromarray(np.full((4, 4), 65535, np.uint16)), "PNG", "L", 255),
        (Image.fromarray(np.full((4, 4), 257 * 7, np.uint16)), "TIFF", "L", 7),
        (Image.new("RGBA", (4, 4), (0, 0, 0, 0)), "PNG", "RGB", [255, 255, 255]),
        (Image.new("LA", (4, 4), (0, 0)), "PNG", "L", 255),
        (Image.new("1", (4, 4), 1), "PNG", "L", 255),
        (Image.new("P", (4, 4)), "GIF", "RGB", [0, 0, 0]),
        (Image.new("RGB", (4, 4), (1, 2, 3)), "BMP", "RGB", [1, 2, 3]),
    ],
    ids=["cmyk", "16-bit", "16-bit tiff", "alpha", "grey alpha", "1-bit", "palette", "bmp"],
)
def test_unusual_pictures_become_plain_ones(image, kind, mode, value):
    decoded = decode(encoded(image, kind))
    assert decoded.mode == mode
    assert np.asarray(decoded)[0, 0].tolist() == value


def test_what_is_see_through_shows_the_background():
    clear = encoded(Image.new("RGBA", (4, 4), (0, 0, 0, 0)))
    shown = pixels(clear, {"step": "decode", "background": [0, 128, 0]})
    assert shown[0, 0].tolist() == [0, 128, 0]


def test_of_an_animation_the_first_frame_is_taken():
    frames = [Image.new("RGB", (4, 4), colour) for colour in ((255, 0, 0), (0, 255, 0))]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert np.asarray(decode(data))[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (plain(3)[:40], "damaged|Not a picture"),
        (encoded(Image.fromarray(np.zeros((4, 4), np.float32)), "TIFF"), "floating-point"),
        (encoded(Image.fromarray(np.full((4, 4), 70_000, np.int32)), "TIFF"), "32 bits"),
        (encoded(Image.new("RGB", (8, 8)), "ICO"), "Not a picture"),
    ],
)
def test_what_cannot_be_read_says_why(data, reason):
    with pytest.raises(Unreadable, match=reason):
        decode(data)


def test_pictures_that_would_not_become_alike_are_told_apart():
    keep = Recipe.parse([{"step": "scale"}])
    (sizes,) = shape_problems(keep, [Shape(1, 8, 8), Shape(1, 9, 8)])
    (colours,) = shape_problems(keep, [Shape(1, 8, 8), Shape(3, 8, 8)])
    assert "resize" in str(sizes)
    assert "grayscale" in str(colours)


def test_given_means_must_fit_the_channels():
    recipe = Recipe.parse([{"step": "normalise", "mean": [0.5], "std": [0.5]}])
    (problem,) = shape_problems(recipe, [Shape(3, 8, 8)])
    assert problem.path == "recipe.1.mean"


def test_a_jpeg_that_becomes_much_smaller_looks_as_if_every_pixel_had_been_decoded():
    waves = np.sin(np.add.outer(np.arange(300), np.arange(400)) / 25) * 100 + 120
    data = encoded(Image.fromarray(np.stack([waves, waves[:, ::-1], waves], -1).astype(np.uint8)), "JPEG")
    resize = {"step": "resize", "size": [32, 24]}
    small = Recipe.parse([{"step": "grayscale"}, resize])
    assert small.decode(data).size == (100, 75)
    looks_at_places = {"step": "fill-region", "regions": [[0, 0, 0.1, 0.1]]}
    assert Recipe.parse([looks_at_places, resize]).decode(data).size == (400, 300)
    whole = Image.open(io.BytesIO(data)).convert("L").resize((24, 32), Image.Resampling.BILINEAR)
    assert np.abs(np.asarray(small.read(data)).astype(int) - np.asarray(whole)).mean() < 1


def test_boxes_stay_on_their_objects_when_a_jpeg_is_decoded_at_a_fraction(tmp_path):
    pixels = np.zeros((240, 320, 3), np.uint8)
    pixels[60:120, 80:200] = 255
    version = with_boxes(tmp_path / "v", [("train", encoded(Image.fromarray(pixels), "JPEG"), [[80, 60, 120, 60, 0]])])
    split = built(version, [{"step": "resize", "size": [24, 32]}]).split("train")
    assert split.column("boxes").row(0)[0].tolist() == [8, 6, 20, 12, 0]
    image = split.column("image")[0]
    assert (image[:, 6:12, 8:20] > 150).all()
    assert (image > 100).sum() == 3 * 6 * 12
