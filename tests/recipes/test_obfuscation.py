"""Steps that hide something: each against an oracle of its own, and what reports say of it."""

import math
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from contract.problems import Invalid
from recipes.context import Context
from recipes.obfuscation import applied
from recipes.recipe import Recipe
from recipes.sandbox.inside import Refused
from recipes.steps import STEPS
from tests.recipes.pictures import encoded, noise, written
from tests.recipes.rows import built, chats, column, labelled_texts, table, with_boxes

KEY, OTHER_KEY = "11" * 32, "22" * 32
TOKENS = {"step": "tokenise", "max_length": 160}


def entry(prepared, name):
    return next(entry for entry in prepared.manifest["obfuscation"] if entry["step"] == name)


def texts_of(prepared, split="train") -> list[str]:
    rows = prepared.split(split).column("tokens")
    return [bytes(int(token) - 4 for token in row if token >= 4).decode() for row in rows]


def content_of(prepared) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(prepared.directory.iterdir()))


def test_redaction_puts_the_kind_in_place_of_personal_data_and_counts_it(tmp_path):
    version = labelled_texts(
        tmp_path / "v", [("train", 0, "Write to Ann Lee, ann.lee@example.org or +44 20 7946 0958.")]
    )
    redact = {"step": "redact", "what": ["email", "phone", "name"], "names": ["ann lee"]}
    prepared = built(version, [redact, TOKENS])
    assert texts_of(prepared) == ["Write to <NAME>, <EMAIL> or <PHONE>."]
    told = entry(prepared, "redact")
    assert told["report"] == {"email": 1, "name": 1, "phone": 1}
    assert told["names"] == {"count": 1}
    assert b"ann lee" not in content_of(prepared).lower()


@pytest.mark.parametrize(("step", "left"), [("redact", "<NAME> was at <EMAIL>"), ("pseudonymise", "<NAME:")])
def test_names_are_looked_for_whether_or_not_what_says_so(tmp_path, step, left):
    version = labelled_texts(tmp_path / "v", [("train", 0, "Ann Lee was at a@b.org")])
    implied = built(version, [{"step": step, "names": ["Ann Lee"]}, TOKENS], key=KEY)
    (text,) = texts_of(implied)
    assert text.startswith(left)
    assert entry(implied, step)["report"] == {"email": 1, "name": 1}
    said = Recipe.parse([{"step": step, "what": [*STEPS[step]().what, "name"], "names": ["Ann Lee"]}], kind="text")
    assert said.hash == Recipe.parse([{"step": step, "names": ["Ann Lee"]}], kind="text").hash


def test_a_column_in_which_nothing_was_found_is_named_with_what_to_do(tmp_path):
    columns = [column("who", "category"), column("contact", "category"), column("n")]
    version = table(tmp_path / "v", columns, [("train", ["Ann Lee", f"p{n % 2}@x.org", n], n % 2) for n in range(8)])
    prepared = built(version, [{"step": "redact"}, {"step": "one-hot"}])
    assert entry(prepared, "redact")["report"] == {"email": 8, "nothing_found_in": ["who"]}
    (told,) = applied(prepared.manifest)
    assert told.caution_params == {"columns": "who"}
    assert "drop-columns" in told.caution and "pseudonymise" in told.caution
    named = built(version, [{"step": "redact", "columns": ["who"], "names": ["Ann Lee"]}, {"step": "one-hot"}])
    assert entry(named, "redact")["report"] == {"name": 8}
    assert applied(named.manifest)[0].caution == ""


def test_messages_are_redacted_too(tmp_path):
    version = chats(tmp_path / "v", [[("user", "call 10.0.0.7"), ("assistant", "4111 1111 1111 1111")]])
    (text,) = texts_of(built(version, [{"step": "redact", "by": "mask"}, TOKENS]))
    assert text == f"user: call {'*' * 8}\nassistant: {'*' * 19}\n"


def test_the_same_person_gets_the_same_pseudonym_and_another_one_with_another_key(tmp_path):
    texts = [("train", 0, "from a@b.org to c@d.org"), ("train", 0, "again a@b.org")]
    version = labelled_texts(tmp_path / "v", texts)
    steps = [{"step": "pseudonymise"}, TOKENS]
    names = []
    for key in (KEY, OTHER_KEY):
        words = [word for text in texts_of(built(version, steps, key=key)) for word in text.split()]
        counts = Counter(word for word in words if word.startswith("<EMAIL:"))
        assert sorted(counts.values()) == [1, 2]
        names.append(set(counts))
    assert not names[0] & names[1]


def test_capitals_and_spaces_make_another_pseudonym(tmp_path):
    people = ("ada", "Ada", "ada ", "ada")
    version = table(tmp_path / "v", [column("who", "category")], [("train", [name], 0) for name in people])
    prepared = built(version, [{"step": "pseudonymise", "columns": ["who"]}, {"step": "one-hot"}], key=KEY)
    assert len(prepared.manifest["features"]) == 3


def test_a_key_is_in_no_file_of_prepared_data_and_another_key_gives_another_hash(tmp_path):
    rows = [("train", [f"user{n}", n], n % 2) for n in range(4)]
    version = table(tmp_path / "v", [column("who", "category"), column("n")], rows)
    steps = [{"step": "pseudonymise", "columns": ["who"]}, {"step": "one-hot"}]
    one, same, other = (built(version, steps, key=key) for key in (KEY, KEY, OTHER_KEY))
    assert one.hash == same.hash != other.hash
    assert KEY.encode() not in content_of(one)
    assert bytes.fromhex(KEY) not in content_of(one)
    assert b"user1" not in content_of(one)
    with pytest.raises(Refused, match="on the server only"):
        built(version, steps)


def test_a_dropped_column_is_not_in_the_prepared_bytes(tmp_path):
    rows = [("train", [1234567.0, n], n % 2) for n in range(4)]
    version = table(tmp_path / "v", [column("salary"), column("n")], rows)
    prepared = built(version, [{"step": "drop-columns", "columns": ["salary"]}])
    assert np.float32(1234567).tobytes() not in content_of(prepared)
    assert prepared.manifest["features"] == ["n"]
    assert np.float32(1234567).tobytes() in content_of(built(version, []))


@pytest.mark.parametrize(
    ("parameters", "values", "kind", "words"),
    [
        ({"edges": [18, 65]}, [3, 18, 64.5, 65, None], "number", ["below 18", "18–65", "18–65", "from 65", None]),
        ({"how": "month"}, ["2024-3-09", "7.11.2023", "soon"], "category", ["2024-03", "2023-11", "other"]),
        ({"how": "year"}, ["2024-03-09T10:00", "1999"], "category", ["2024", "1999"]),
        ({"how": "prefix", "length": 3}, ["90210", 10115, None], "category", ["902", "101", None]),
    ],
)
def test_exact_values_become_coarse_ones(parameters, values, kind, words):
    from recipes.table import table_of

    step = STEPS["generalise"].from_json({"column": "x", **parameters})
    changed = step.transform(
        table_of([column("x", kind)], [[value] for value in values], range(len(values))), None, Context()
    )
    assert changed.columns[0].values.tolist() == words


def test_k_is_the_size_of_the_smallest_group_and_too_small_a_one_is_refused(tmp_path):
    chance = np.random.default_rng(4)
    rows = [
        ("train" if n % 3 else "test", [int(age), str(place)], 0)
        for n, (age, place) in enumerate(zip(chance.integers(20, 60, 300), chance.choice(["N", "S"], 300), strict=True))
    ]
    version = table(tmp_path / "v", [column("age"), column("place", "category")], rows)
    steps = [{"step": "generalise", "column": "age", "edges": [30, 40, 50]}]
    counted = Counter((age // 10, place) for _, (age, place), _ in rows)
    check = {"step": "k-anonymity", "columns": ["age", "place"]}
    prepared = built(version, [*steps, check, {"step": "one-hot"}])
    assert entry(prepared, "k-anonymity")["report"] == {"smallest_group": min(counted.values()), "groups": len(counted)}
    with pytest.raises(Refused, match=f"Only {min(counted.values())} rows are alike"):
        built(version, [*steps, {**check, "least": min(counted.values()) + 1}, {"step": "one-hot"}])


def test_no_metadata_of_a_picture_is_in_prepared_data(tmp_path):
    """S49"""
    exif = Image.Exif()
    exif[0x010F], exif[0x9286] = "SpyCam Corp", "taken at home"
    options = {"exif": exif, "xmp": b"<x:xmpmeta>SecretPlace</x:xmpmeta>", "icc_profile": b"HiddenProfile" * 20}
    data = encoded(Image.new("RGB", (8, 8), (1, 2, 3)), "JPEG", comment=b"MyComment", **options)
    secrets = (b"SpyCam Corp", b"taken at home", b"SecretPlace", b"HiddenProfile", b"MyComment", b"Exif")
    assert all(secret in data for secret in secrets)
    prepared = built(written(tmp_path / "v", [("train", 0, data)]), [])
    assert not any(secret in content_of(prepared) for secret in secrets)
    assert prepared.manifest["obfuscation"] == [{"step": "remove-metadata", "report": {}}]


def test_a_filled_region_is_one_colour_and_the_rest_stays(tmp_path):
    data = noise(3, (40, 20))
    steps = [{"step": "fill-region", "regions": [[0.25, 0.5, 0.5, 0.5]], "colour": [9, 8, 7]}]
    version = written(tmp_path / "v", [("train", 0, data)])
    prepared = built(version, steps)
    before = built(version, []).split("train").column("image")[0]
    image = prepared.split("train").column("image")[0]
    assert (image[:, 10:, 10:30] == np.array([9, 8, 7])[:, None, None]).all()
    assert np.array_equal(image[:, :10], before[:, :10])
    assert entry(prepared, "fill-region")["report"] == {"regions": 1}


@pytest.mark.parametrize("step", [{"step": "blur", "radius": 4}, {"step": "pixelate", "block": 5}])
def test_blur_and_pixelate_smooth_the_boxes_of_the_named_class_only(tmp_path, step):
    data = noise(3, (40, 20))
    boxes = [[0, 0, 20, 20, 1], [20, 0, 20, 20, 2]]
    version = with_boxes(tmp_path / "v", [("train", data, boxes)])
    image = built(version, [{**step, "boxes": ["dog"]}]).split("train").column("image")[0].astype(float)
    before = built(version, []).split("train").column("image")[0].astype(float)
    assert np.array_equal(image[:, :, 20:], before[:, :, 20:])
    assert image[:, :, :20].std() < before[:, :, :20].std() / 2
    assert "recognised" in STEPS[step["step"]].does_not_protect


def test_noise_has_the_scale_that_was_asked_for(tmp_path):
    count = 4000
    rows = [("train", [0.0, float(n)], 0) for n in range(count)]
    version = table(tmp_path / "v", [column("x"), column("n")], rows)
    for distribution, deviation in (("gaussian", 2.0), ("laplace", 2 * math.sqrt(2))):
        step = {"step": "add-noise", "columns": ["x"], "scale": 2, "distribution": distribution}
        features = built(version, [step]).split("train").column("features").astype(float)
        assert abs(features[:, 0].mean()) < 2.576 * deviation / math.sqrt(count)
        assert features[:, 0].std() == pytest.approx(deviation, rel=0.1)
        assert sorted(features[:, 1].tolist()) == list(range(count))


def test_noise_of_a_stated_epsilon_has_scale_range_over_epsilon_and_comes_from_the_key(tmp_path):
    count = 4000
    version = table(tmp_path / "v", [column("x"), column("n")], [("train", [50.0, n], 0) for n in range(count)])
    step = {"step": "add-noise", "columns": ["x", "n"], "epsilon": 4, "clip": [0, 100]}
    one, other = built(version, [step], key=KEY), built(version, [step], key=OTHER_KEY)
    noisy = one.split("train").column("features")[:, 0].astype(float)
    spread = np.abs(noisy - 50).mean()  # of Laplace noise that is its scale b
    assert abs(spread - 25) < 2.576 * 25 / math.sqrt(count)
    assert not np.array_equal(noisy, other.split("train").column("features")[:, 0])
    assert entry(one, "add-noise")["report"]["epsilon_of_a_row"] == 8


def test_noise_on_pictures_is_seeded_and_differs_from_picture_to_picture(tmp_path):
    version = written(tmp_path / "v", [("train", 0, noise(1)), ("test", 0, noise(1))])
    images = [built(version, [{"step": "add-noise", "scale": 20, "seed": seed}]) for seed in (1, 1, 2)]
    assert images[0].hash == images[1].hash != images[2].hash
    train, test = (images[0].split(name).column("image")[0] for name in ("train", "test"))
    assert not np.array_equal(train, test)


def test_labels_are_kept_as_often_as_epsilon_says_and_the_shares_can_be_corrected(tmp_path):
    count, epsilon = 6000, 1.5
    labels = [int(n % 10 < 3) for n in range(count)]
    version = table(tmp_path / "v", [column("n")], [("train", [n], label) for n, label in enumerate(labels)])
    prepared = built(version, [{"step": "randomise-labels", "epsilon": epsilon}], key=KEY)
    train = prepared.split("train")
    before = np.array(labels)[train.column("features")[:, 0].astype(int)]
    kept = math.exp(epsilon) / (math.exp(epsilon) + 1)
    assert abs((train.column("label") == before).mean() - kept) < 2.576 * math.sqrt(kept * (1 - kept) / count)
    shares = entry(prepared, "randomise-labels")["report"]["estimated_shares"]
    assert shares["yes"] == pytest.approx(0.3, abs=0.02)


def test_balance_beside_randomised_labels_would_show_what_they_hide():
    with pytest.raises(Invalid, match="would show the classes"):
        Recipe.parse([{"step": "balance"}, {"step": "randomise-labels", "epsilon": 1}])


HIDING = (
    *("redact", "pseudonymise", "drop-columns", "generalise", "k-anonymity", "remove-metadata", "fill-region", "blur"),
    *("pixelate", "add-noise", "randomise-labels", "shuffle"),
)


def test_no_other_step_says_that_it_hides_something():
    assert {name for name, step in STEPS.items() if step.protects or step.does_not_protect} == set(HIDING)


@pytest.mark.parametrize("name", HIDING)
def test_every_step_that_hides_something_says_what_it_does_not_protect(name):
    assert len(STEPS[name].protects) > 20
    assert len(STEPS[name].does_not_protect) > 20


@pytest.mark.parametrize(
    ("step", "path"),
    [
        ({"step": "redact", "what": ["mail"]}, "recipe.0.what"),
        ({"step": "redact", "what": ["name"], "names": "ann"}, "recipe.0.names"),
        ({"step": "generalise", "column": "age"}, "recipe.0.edges"),
        ({"step": "generalise", "column": "age", "edges": [3, 1]}, "recipe.0.edges"),
        ({"step": "fill-region"}, "recipe.0.regions"),
        ({"step": "blur", "regions": [[0, 0, 2, 1]]}, "recipe.0.regions"),
        ({"step": "add-noise"}, "recipe.0.scale"),
        ({"step": "add-noise", "epsilon": 1}, "recipe.0.clip"),
        ({"step": "randomise-labels"}, "recipe.0.epsilon"),
        ({"step": "randomise-labels", "epsilon": 0}, "recipe.0.epsilon"),
        ({"step": "k-anonymity", "columns": []}, "recipe.0.columns"),
    ],
)
def test_a_wrong_parameter_is_named(step, path):
    with pytest.raises(Invalid) as raised:
        Recipe.parse([step])
    assert [problem.path for problem in raised.value.problems] == [path]


@pytest.mark.parametrize(
    ("where", "sentence"),
    [
        ({"regions": [[0, 0, 1, 1]]}, "Turn the given regions (1) into blocks of 16 pixels."),
        ({"boxes": ["cat", "dog"]}, "Turn the boxes (of: cat, dog) into blocks of 16 pixels."),
        (
            {"regions": [[0, 0, 1, 1]], "boxes": ["cat"]},
            "Turn the given regions (1) and the boxes (of: cat) into blocks of 16 pixels.",
        ),
    ],
)
def test_a_step_on_regions_says_which_it_means(where, sentence):
    told, params = STEPS["pixelate"].from_json(where).words()
    assert told % params == sentence
