"""Static files as they are served in life: collected, joined and hashed."""

import hashlib
import re
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import override_settings

from config import bundles
from config.first_things import UNUSED

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


def hashed(collected: Path, pattern: str) -> list[Path]:
    return [path for path in collected.glob(pattern) if HASHED.search(path.name)]


def test_every_module_is_joined_with_what_it_imports_each_once_and_in_order(collected):
    modules = hashed(collected, "js/*.js")
    assert len(modules) > 30
    for path in modules:
        text = path.read_text()
        assert not re.search(r"^import\b", text, re.MULTILINE), path.name
        made = re.findall(r'^ftModules\["([\w-]+\.js)"\] \?\?=', text, re.MULTILINE)
        assert len(made) == len(set(made)), path.name
        for used in re.finditer(r'\} = ftModules\["([\w-]+\.js)"\];', text):
            assert f'ftModules["{used[1]}"] ??=' in text[: used.start()], f"{path.name} uses {used[1]} too early"


def test_modules_that_import_one_another_in_a_circle_are_refused():
    files = {"js/a.js": 'import { b } from "./b.js";\n', "js/b.js": 'import { a } from "./a.js";\n'}
    with pytest.raises(ValueError, match=r"a\.js → b\.js → a\.js"):
        bundles.module("js/a.js", files.__getitem__)


def test_pico_lies_in_its_layer_of_the_first_style_sheet(collected):
    (style,) = hashed(collected, "css/site.*.css")
    assert "@import" not in style.read_text()
    assert "@layer pico {" in style.read_text() and "--ft-surface" in style.read_text()


def test_a_page_stays_light(collected):
    def weight(*patterns: str) -> int:
        return sum(path.stat().st_size for pattern in patterns for path in hashed(collected, pattern))

    own = weight("js/theme.*.js.gz", "js/site.*.js.gz", "js/job-page.*.js.gz")
    assert 0 < own < OWN_MODULES
    everything = own + weight("css/site.*.gz", "css/charts.*.gz", "css/rooms.*.gz", "img/*.svg")
    assert everything < PAGE_WITHOUT_PLOTLY


def test_vendored_files_are_what_their_list_says():
    folder = Path(__file__).parents[2] / "static" / "vendor"
    listed = dict(re.findall(r"\| `([^`]+)` \|.*`([0-9a-f]{64})` \|", (folder / "README.md").read_text()))
    files = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir() if path.suffix != ".md"
    }
    assert listed == files
