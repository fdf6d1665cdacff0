"""Imports: what comes in, what is refused whole, what is left out with its reason."""

import io
import stat
import struct
import zipfile
from types import SimpleNamespace

import pytest
from PIL import Image

from catalog import places
from catalog.imports import archive as archives
from catalog.imports import entry_names, space, work
from catalog.models import DatasetState
from recipes.sandbox.inside import Refused, Reporter
from recipes.version import read_items
from tests.catalog.data_factories import read
from tests.catalog.factories import (
    class_folders,
    colour_jpegs_of_mixed_sizes,
    files_below,
    huge_png,
    imported,
    picture,
    png_of_huge_text,
    tiff_of_huge_tags,
    version_of,
    why,
    zipped,
)

pytestmark = pytest.mark.django_db


def refused(files) -> str:
    dataset = imported(files)
    assert dataset.state == DatasetState.FAILED
    assert not dataset.versions.exists()
    return why(dataset)


def entry(name: str, **attributes) -> bytes:
    """Class folders plus one entry that is made by hand."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in class_folders().items():
            archive.writestr(path, data)
        info = zipfile.ZipInfo(name)
        for key, value in attributes.items():
            setattr(info, key, value)
        archive.writestr(info, picture(seed=99))
    return content.getvalue()


def test_class_folders_become_classes_and_made_splits(home):
    dataset = imported(class_folders(each=20))
    version = version_of(dataset)
    assert (dataset.state, dataset.progress, version.items) == (DatasetState.READY, 1, 40)
    assert version.schema["classes"] == ["cat", "dog"]
    assert {name: split["count"] for name, split in version.splits.items()} == {
        "train": 32,
        "validation": 4,
        "test": 4,
    }
    assert all(split["classes"]["cat"] == split["classes"]["dog"] for split in version.splits.values())
    assert files_below(home / "uploads") == {dataset.source["stored"]}


def test_files_lie_under_our_own_names_only(home):
    version = version_of(imported(class_folders()))
    stored = files_below(home / "datasets" / version.content_hash / "files")
    assert len(stored) == 20
    assert all(len(name) == 2 + 1 + 64 + 4 for name in stored)


def test_the_same_files_split_the_same_way_whatever_they_are_called():
    pictures = list(class_folders(each=30).values())
    splits = []
    for prefix in ("a", "b"):
        names = [f"{'cat' if number < 30 else 'dog'}/{prefix}{number}.png" for number in range(60)]
        version = version_of(imported(dict(zip(names, pictures, strict=True))))
        splits.append({item.sha256: item.split for item in read_items(places.version(version.content_hash))})
    assert splits[0] == splits[1]


def test_copies_of_one_picture_never_fall_into_two_splits():
    files = class_folders(each=12)
    files |= {f"cat/copy-{number}.png": files["cat/3.png"] for number in range(5)}
    version = version_of(imported(files))
    found = {item.split for item in read_items(places.version(version.content_hash)) if "copy" in item.name}
    assert len(found) == 1
    assert version.schema["duplicates"] == 5


def test_given_splits_are_kept():
    files = {f"{split}/{name}": data for split in ("train", "val", "test") for name, data in class_folders().items()}
    version = version_of(imported(files))
    assert version.schema["split_rule"] == "given"
    assert {name: split["count"] for name, split in version.splits.items()} == {
        "train": 20,
        "validation": 20,
        "test": 20,
    }


def test_a_split_that_is_not_given_is_taken_from_train():
    files = {f"train/{name}": data for name, data in class_folders(each=20).items()}
    files |= {f"test/{name}": data for name, data in class_folders(each=5, mode="L").items()}
    version = version_of(imported(files))
    assert version.schema["split_rule"] == "completed"
    assert [version.splits[name]["count"] for name in ("train", "validation", "test")] == [36, 4, 10]


@pytest.mark.parametrize("around", ["pictures/", "pictures/all of them/"])
def test_folders_around_everything_are_looked_through(around):
    version = version_of(imported({around + name: data for name, data in class_folders().items()}))
    assert version.schema["classes"] == ["cat", "dog"]


@pytest.mark.parametrize("stray", ["readme.txt", "cover.png", "LICENSE", "model.pkl", "inner.zip"])
@pytest.mark.parametrize("place", ["", "around/", "around/pets/"])
def test_a_stray_file_beside_class_folders_is_listed_wherever_they_are_wrapped(tmp_path, stray, place):
    content = {"cover.png": picture(seed=9), "inner.zip": zipped(class_folders()), "model.pkl": b"\x80\x04."}
    files = {f"around/pets/{name}": data for name, data in class_folders().items()}
    found = read(tmp_path, files | {place + stray: content.get(stray, b"About these pictures.")})
    assert found.schema["classes"] == ["cat", "dog"]
    assert len(found.items) == 20
    assert found.reasons == {place + stray: "The file lies in no class folder."}


def test_a_folder_of_pictures_that_holds_another_is_a_class_and_no_wrapper(tmp_path):
    files = {"cat/1.png": picture(seed=1), "cat/more/2.png": picture(seed=2)}
    with pytest.raises(Refused, match="Only one class folder \\('cat'\\)"):
        read(tmp_path, files)


def test_what_operating_systems_leave_behind_is_ignored_and_counted():
    files = class_folders() | {"cat/.DS_Store": b"x", "__MACOSX/cat/._1.png": b"x", "dog/Thumbs.db": b"x"}
    version = version_of(imported(files))
    assert (version.items, version.schema["ignored"], version.schema["unreadable_count"]) == (20, 3, 0)


def test_one_unreadable_file_is_listed_with_its_reason_and_the_rest_comes_in():
    """S49"""
    files = class_folders()
    files["cat/3.png"] = files["cat/3.png"][:60]
    version = version_of(imported(files))
    assert version.items == 19
    (listed,) = version.schema["unreadable"]
    assert listed["name"] == "cat/3.png"
    assert "damaged or cut off" in listed["reason"] % listed["params"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"hello", "Not a picture"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "SVG is not an image format here"),
        (huge_png(), "50000 × 50000 pixels is more than 40 megapixels"),
        (tiff_of_huge_tags(), "Not a picture"),
        (png_of_huge_text(), "damaged or cut off"),
        (b"<html><body>Not found</body></html>", "Not a picture"),
    ],
    ids=["empty", "text", "svg", "pixels", "tiff tags", "png text", "html"],
)
def test_files_that_are_no_picture_are_listed(data, reason):
    """S30, S49"""
    version = version_of(imported(class_folders() | {"cat/odd.png": data}))
    (listed,) = version.schema["unreadable"]
    assert reason in listed["reason"] % listed["params"]


def test_of_an_animation_of_ten_thousand_frames_one_is_read():
    """S49"""
    frames = [Image.new("1", (4, 4), n % 2) for n in range(10_000)]
    content = io.BytesIO()
    frames[0].save(content, "GIF", save_all=True, append_images=frames[1:])
    version = version_of(imported(class_folders() | {"cat/many.gif": content.getvalue()}))
    assert (version.items, version.schema["unreadable_count"]) == (21, 0)


def test_a_picture_is_known_by_its_content_and_not_by_its_name(home):
    """S49"""
    version = version_of(imported(class_folders() | {"cat/odd.png": picture(seed=300, kind="JPEG")}))
    assert version.items == 21
    assert sum(name.endswith(".jpg") for name in files_below(home / "datasets")) == 1


def test_a_file_outside_every_class_folder_is_listed():
    version = version_of(imported(class_folders() | {"readme.txt": b"hello"}))
    assert [listed["name"] for listed in version.schema["unreadable"]] == ["readme.txt"]


def test_an_entry_with_a_broken_checksum_is_listed():
    data = bytearray(zipped(class_folders()))
    place = data.index(b"PK\x01\x02")
    data[place + 16] ^= 0xFF
    version = version_of(imported(bytes(data)))
    assert "checksum" in version.schema["unreadable"][0]["reason"]


def windows_zip(more: tuple[str, ...] = ()) -> bytes:
    """Class folders with backslashes for all slashes, and folders of their own."""
    names = {name.replace("/", "\\"): data for name, data in class_folders().items()}
    return zipped({"cat\\": b"", "dog\\": b""} | names | {name: picture(seed=77) for name in more})


def test_a_zip_of_windows_with_backslashes_only_is_the_same_as_one_with_slashes(tmp_path):
    one, other = read(tmp_path, windows_zip()), read(tmp_path, class_folders())
    assert one.result["hash"] == other.result["hash"]
    table = read(tmp_path, {"data\\rows.csv": b"n,y\n" + b"1,a\n2,b\n" * 20})
    assert len(table.items) == 40


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("..\\escape.png", "points outside"),
        ("cat\\..\\..\\escape.png", "points outside"),
        ("\\\\server\\share\\escape.png", "absolute path"),
        ("C:\\escape.png", "absolute path"),
        ("cat\\\\escape.png", "not allowed"),
        ("CAT\\0.PNG", "twice"),
    ],
)
def test_backslashes_lead_out_of_the_archive_no_more_than_slashes(tmp_path, name, sentence):
    """S47"""
    with pytest.raises(Refused, match=sentence):
        read(tmp_path, windows_zip((name,)))


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("../escape.png", "points outside"),
        ("cat/../../escape.png", "points outside"),
        ("/etc/escape.png", "absolute path"),
        ("C:/escape.png", "absolute path"),
        ("cat\\escape.png", "has a backslash (\\) in its name"),
        ("cat//escape.png", "not allowed"),
        ("cat/a\x01b.png", "not allowed"),
        ("CAT/1.PNG", "twice"),
        ("a/" * 20 + "deep.png", "more than"),
        ("cat/" + "x" * 300 + ".png", "more than"),
    ],
)
def test_an_archive_with_a_bad_path_is_refused_by_its_name(name, sentence, home):
    """S47"""
    told = refused(entry(name))
    assert sentence in told
    assert name.replace("\x01", "\N{REPLACEMENT CHARACTER}")[:240] in told
    assert [path for kind in ("datasets", "incoming") for path in (home / kind).rglob("*")] == []


@pytest.mark.parametrize("mode", [stat.S_IFLNK | 0o777, stat.S_IFCHR | 0o600, stat.S_IFREG | stat.S_ISUID | 0o755])
def test_links_devices_and_set_uid_files_are_refused(mode):
    """S47"""
    assert "'cat/odd.png' is a link or a special file" in refused(entry("cat/odd.png", external_attr=mode << 16))


def test_the_same_entry_twice_is_refused():
    """S47"""
    with pytest.warns(UserWarning, match="Duplicate"):
        data = entry("cat/1.png")
    assert "'cat/1.png' is in the archive twice" in refused(data)


def test_an_encrypted_entry_is_refused():
    """S48"""
    data = bytearray(entry("cat/odd.png"))
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    assert "'cat/odd.png' is encrypted" in refused(bytes(data))


def test_a_nested_archive_is_refused():
    """S48"""
    assert "'cat/more.png' is an archive inside" in refused(class_folders() | {"cat/more.png": zipped({"a": b"b"})})


def test_an_entry_that_unpacks_to_far_more_is_refused_before_it_is_unpacked():
    """S48"""
    assert "'cat/bomb.png' unpacks to over 200 times" in refused(class_folders() | {"cat/bomb.png": bytes(8_000_000)})


def test_an_entry_that_lies_about_its_size_is_refused():
    """S48"""
    data = bytearray(zipped(class_folders() | {"cat/bomb.png": bytes(500_000)}))
    local, central = data.rindex(b"PK\x03\x04"), data.rindex(b"PK\x01\x02")
    for place in (local + 22, central + 24):
        data[place : place + 4] = struct.pack("<I", 100)
    assert "'cat/bomb.png' is of another size" in refused(bytes(data))


def test_entries_that_share_their_bytes_are_refused():
    """S48"""
    data = bytearray(zipped(class_folders()))
    first, last = data.index(b"PK\x01\x02"), data.rindex(b"PK\x01\x02")
    data[last + 42 : last + 46] = data[first + 42 : first + 46]
    assert "shares its bytes" in refused(bytes(data))


def test_too_many_entries_and_too_many_bytes_are_refused(monkeypatch, tmp_path):
    path = tmp_path / "many.zip"
    path.write_bytes(zipped(class_folders()))
    monkeypatch.setattr(entry_names, "MOST_ENTRIES", 19)
    with pytest.raises(archives.Refused, match="more than 19 entries"):
        archives.Archive(path)
    monkeypatch.undo()
    monkeypatch.setattr(entry_names, "MOST_BYTES", 1000)
    with pytest.raises(archives.Refused, match="unpacks to more than"):
        archives.Archive(path)


def test_a_huge_list_of_entries_is_refused_before_it_is_read(tmp_path):
    """S48"""
    data = bytearray(zipped(class_folders()))
    end = data.rindex(b"PK\x05\x06")
    data[end + 12 : end + 16] = struct.pack("<I", 60_000_000)
    path = tmp_path / "huge.zip"
    path.write_bytes(data)
    with pytest.raises(archives.Refused, match="more than 100000 entries"):
        archives.Archive(path)


def test_an_archive_that_does_not_fit_on_the_disk_is_refused(monkeypatch, tmp_path):
    path = tmp_path / "pets.zip"
    path.write_bytes(zipped(class_folders()))
    monkeypatch.setattr(space.shutil, "disk_usage", lambda parent: SimpleNamespace(free=2**20))
    with pytest.raises(archives.Refused, match="need 1 MiB and 1 MiB are free"):
        source = {"path": str(path), "name": "pets.zip"}
        work.import_dataset({"source": source, "parent": str(tmp_path / "datasets")}, Reporter(print))
    assert list((tmp_path / "datasets").iterdir()) == []


@pytest.mark.parametrize("cut", [0.5, 0.99])
def test_an_archive_that_is_cut_off_is_refused(cut):
    data = zipped(class_folders())
    assert "zip archive is damaged or cut off" in refused(data[: int(len(data) * cut)])


def test_an_archive_whose_first_bytes_are_missing_is_refused():
    assert "zip archive is damaged or cut off" in refused(b"PK\x03\x04" + zipped(class_folders())[500:])


def test_empty_classes_single_classes_and_no_classes_are_refused_with_a_sentence():
    assert "'bird' has no example that can be read" in refused(class_folders() | {"bird/": b""})
    assert "'bird' has no example that can be read" in refused(class_folders() | {"bird/a.png": b"x"})
    assert "Only one class folder ('cat')" in refused(class_folders(("cat",)))
    assert "No class folders" in refused({"1.png": picture(), "2.png": picture(seed=1)})
    assert "None of it can be read" in refused({"cat/1.png": b"x", "dog/2.png": b"y"})


def test_splits_beside_other_folders_and_untrained_classes_are_refused():
    files = {f"train/{name}": data for name, data in class_folders().items()}
    assert "lie side by side" in refused(files | {"extra/cat/1.png": picture()})
    assert "'bird' has no example in the train split" in refused(
        files | {"test/bird/1.png": picture(), "val/cat/2.png": picture(seed=5), "val/dog/2.png": picture(seed=6)}
    )


def test_sixty_colour_jpegs_of_mixed_sizes_come_in():
    version = version_of(imported(colour_jpegs_of_mixed_sizes()))
    assert (version.items, version.schema["distinct_sizes"]) == (60, 20)
    assert version.schema["channels"] == {"3": 60}
    assert {name: split["count"] for name, split in version.splits.items()} == {
        "train": 48,
        "validation": 6,
        "test": 6,
    }
