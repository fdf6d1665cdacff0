"""Set-up: what stops it is one sentence that says what to do, and a second run has nothing to do."""

import subprocess
import sys
from collections import namedtuple

import pytest

from config import install

Usage = namedtuple("Usage", "total used free")


def test_another_python_than_3_11_is_named(monkeypatch):
    monkeypatch.setattr(install.sys, "version_info", (3, 12, 0))
    with pytest.raises(install.CannotSetUp, match=r"needs Python 3\.11 and this is 3\.12"):
        install.check_python()


def test_too_little_disk_is_told_in_numbers(monkeypatch):
    monkeypatch.setattr(install.shutil, "disk_usage", lambda _: Usage(0, 0, 2**30))
    with pytest.raises(install.CannotSetUp, match=r"1\.0 GiB are free"):
        install.check_disk()


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        (
            "WARNING: Retrying … NewConnectionError('…')\nERROR: No matching distribution found for django",
            "cannot be reached",
        ),
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("ERROR: something else\n", "ERROR: something else"),
    ],
)
def test_pip_failures_become_one_sentence(output, sentence):
    assert sentence in install.why_pip_failed(output)


def test_every_requirement_is_pinned():
    """S71"""
    pinned = {
        line.split("==")[0].lower().replace("_", "-") for line in (install.ROOT / "constraints.txt").read_text().split()
    }
    wanted = {name.split("[")[0].split("=")[0].split("~")[0].lower() for name in install.requirements(["test"])}
    assert {name.replace("_", "-") for name in wanted} <= pinned


def test_unpacking_is_told_while_pip_is_silent(tmp_path, monkeypatch, capsys):
    heard = tmp_path / "heard"
    pip = tmp_path / "python"
    pip.write_text(
        "#!/bin/sh\necho 'Collecting torch'\necho '  Downloading torch-2.whl (190.5 MB)'\n"
        f"echo 'Installing collected packages: numpy, torch'\nuntil [ -e {heard} ]; do sleep 0.05; done\n"
    )
    pip.chmod(0o755)
    monkeypatch.setattr(install, "PYTHON", pip)
    monkeypatch.setattr(install, "SAY_EVERY_S", 0.05)
    said = install.step

    def step(began, text):
        said(began, text)
        if text.startswith("unpacked 1 of 2"):
            heard.touch()
        if text.startswith("unpacked 0 of 2"):
            (tmp_path / "lib/python3.11/site-packages/numpy-2.dist-info").mkdir(parents=True, exist_ok=True)

    monkeypatch.setattr(install, "VENV", tmp_path)
    monkeypatch.setattr(install, "step", step)
    install.run_pip(["torch"], install.time.monotonic())
    assert "unpacked 1 of 2 packages (190 MB were fetched)" in capsys.readouterr().out
    assert install.SAY_EVERY_S <= 5


def test_a_second_run_returns_at_once_and_prints_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(install, "VENV", tmp_path)
    monkeypatch.setattr(install, "PYTHON", tmp_path / "python")
    (tmp_path / "python").touch()
    (tmp_path / ".installed-run").write_text(install.fingerprint(install.requirements([])))
    assert install.main([]) == 0
    assert capsys.readouterr().out == ""


def test_the_index_out_of_reach_ends_in_one_sentence_and_a_non_zero_exit(tmp_path):
    script = (
        "import sys; sys.path.insert(0, '.'); from pathlib import Path; from config import install;"
        f"install.VENV = Path({str(tmp_path / 'venv')!r}); install.PYTHON = install.VENV / 'bin' / 'python';"
        "install.requirements = lambda extras: ['a-package-nobody-has']; sys.exit(install.main([]))"
    )
    unreachable = {
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_RETRIES": "1",
        "PIP_NO_INDEX": "0",
        "PIP_FIND_LINKS": "",
    }
    environment = {"PATH": "/usr/bin:/bin", "PIP_CONFIG_FILE": "/dev/null", **unreachable}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment, cwd=install.ROOT
    )
    assert done.returncode == 1
    assert "Fleetune cannot be set up: the package index cannot be reached." in done.stderr
