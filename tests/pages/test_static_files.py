"""Static files as they are served in life: collected, hashed, and still finding one another."""

import hashlib
import re
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import override_settings

from config.first_things import UNUSED

IMPORT = re.compile(r"""(?:from|import)\s+["'](\./[^"']+)["']""")
HASHED = re.compile(r"\.[0-9a-f]{12}\.")
PAGE_WITHOUT_PLOTLY = 300_000
OWN_MODULES = 60_000
"""bytes, compressed (pages.md §14)"""


@pytest.fixture(scope="module")
def collected(tmp_path_factory):
    root = tmp_path_factory.mktemp("static")
    storages = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "config.static_storage.HashedStaticStorage"},
    }
    with override_settings(STORAGES=storages, STATIC_ROOT=root):
        call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=UNUSED)
    return root


def test_every_import_of_a_module_names_a_hashed_file_that_is_there(collected):
    modules = [path for path in (collected / "js").iterdir() if path.suffix == ".js" and HASHED.search(path.name)]
    imports = [(path, name) for path in modules for name in IMPORT.findall(path.read_text())]
    assert len(imports) > 30
    for path, name in imports:
        assert HASHED.search(name), f"{path.name} imports {name} by its plain name"
        assert (path.parent / name).is_file(), f"{path.name} imports {name}, which is not there"


def test_pico_is_imported_by_its_hashed_name(collected):
    style = next(path for path in (collected / "css").glob("tokens.*.css") if HASHED.search(path.name))
    name = re.search(r'@import url\("\.\./vendor/([^"]+)"\) layer\(pico\)', style.read_text()).group(1)
    assert HASHED.search(name)
    assert (collected / "vendor" / name).is_file()


def test_a_page_stays_light(collected):
    def weight(*patterns: str) -> int:
        found = [path for pattern in patterns for path in collected.glob(pattern) if HASHED.search(path.name)]
        return sum(path.stat().st_size for path in found)

    assert 0 < weight("js/*.js.gz") < OWN_MODULES
    everything = weight("js/*.js.gz", "css/*.css.gz", "vendor/pico*.gz", "vendor/htmx*.gz") + weight("img/*.svg")
    assert everything < PAGE_WITHOUT_PLOTLY


def test_vendored_files_are_what_their_list_says():
    folder = Path(__file__).parents[2] / "static" / "vendor"
    listed = dict(re.findall(r"\| `([^`]+)` \|.*`([0-9a-f]{64})` \|", (folder / "README.md").read_text()))
    files = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir() if path.suffix != ".md"
    }
    assert listed == files
