import contextlib
import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from agent.enrol import divided
from tests.agent.fake_server import CREDENTIAL

ROOT = Path(__file__).resolve().parents[2]


def join(server, home: Path, *more: str, token: str = "fle_token") -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "agent", "join", "--server", server.url, "--home", str(home), *more]
    command += ["--token", token] if token else []
    variables = {name: value for name, value in os.environ.items() if name != "FLEETUNE_HOME"}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=ROOT, env=variables)


def test_a_host_joins_with_its_cores_divided_and_one_private_directory_for_each_device(server, tmp_path):
    done = join(server, tmp_path / "home", "--name", "box", "--cpu-devices", "2", "--fabric-address", "10.0.0.9")
    assert done.returncode == 0, done.stderr
    request = server.enrolments[0]
    assert (request["host"], request["token"], request["environment"]["platform"]) == ("box", "fle_token", "linux")
    cores = [offer["cores"] for offer in request["devices"]]
    assert sorted(core for share in cores for core in share) == sorted(os.sched_getaffinity(0))
    for index in (0, 1):
        home = tmp_path / "home" / f"box-cpu-{index}"
        assert (home / "credential").read_text().strip() == CREDENTIAL
        assert oct((home / "credential").stat().st_mode)[-3:] == oct((home / "agent.json").stat().st_mode)[-3:] == "600"
        assert oct(home.stat().st_mode)[-3:] == "700"
        body = json.loads((home / "agent.json").read_text())
        assert (body["id"], body["queue"], body["cores"]) == (7 + index, f"device.{7 + index}", cores[index])
        assert (body["server"], body["fabric_address"], body["server_home"]) == (server.url, "10.0.0.9", "")
    assert "box-cpu-1 joined" in done.stdout


def test_a_used_token_is_one_sentence_unless_the_host_is_in_already(server, tmp_path):
    refused = join(server, tmp_path / "home", token="used")
    assert refused.returncode == 1
    assert refused.stderr.strip() == "The server refused: refused: token-used"
    assert join(server, tmp_path / "home", "--name", "box").returncode == 0
    again = join(server, tmp_path / "home", token="used")
    assert again.returncode == 0
    assert "has joined before as box-cpu-0, box-cpu-1" in again.stdout
    assert join(server, tmp_path / "home", token="").returncode == 0


def test_without_a_token_or_a_server_it_says_what_is_missing(server, tmp_path):
    missing = join(server, tmp_path / "home", token="")
    assert missing.returncode == 1 and "--token" in missing.stderr
    server.away = True
    away = join(server, tmp_path / "home")
    assert away.returncode == 1 and "cannot be reached" in away.stderr
    assert "Traceback" not in away.stderr + missing.stderr


@pytest.mark.parametrize(
    ("cores", "count", "shares"),
    [
        ([0, 1], 2, [[0], [1]]),
        ([0, 1, 2, 3, 4], 2, [[0, 1, 2], [3, 4]]),
        ([0, 1], 3, [[0], [1], [0]]),
        ([4, 6], 1, [[4, 6]]),
    ],
)
def test_cores_are_divided_evenly(cores, count, shares):
    assert divided(cores, count) == shares


def run_script(*arguments: str, script: str = "") -> subprocess.CompletedProcess:
    """As `curl … | python3.11 - …` runs it: from standard input, with nothing of ours to import."""
    text = script or (ROOT / "agent" / "join.py").read_text()
    variables = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-", *arguments], input=text, capture_output=True, text=True, timeout=120, cwd="/",
        env=variables,
    )  # fmt: skip


def test_the_script_fetches_the_sources_and_joins_with_a_python_that_is_there(fleet, tmp_path):
    home = tmp_path / "home"
    done = run_script(
        "--server", fleet.url, "--token", "fle_token", "--home", str(home), "--name", "far", "--python",
        sys.executable, "--no-run", "--cpu-devices", "1",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert fleet.enrolments[0]["host"] == "far"
    assert (home / "devices" / "far-cpu-0" / "credential").exists()
    assert len(list(home.glob("sources-*"))) == 1
    again = run_script("--home", str(home), "--python", sys.executable, "--no-run")
    assert again.returncode == 0 and "has joined before" in again.stdout


def test_the_script_ends_in_one_sentence_whatever_is_in_the_way(fleet, tmp_path):
    home = ["--home", str(tmp_path / "home"), "--no-run"]
    server = ["--server", fleet.url]
    fleet.away = True
    ways = [
        ([*server, *home], "cannot be reached"),
        (home, "name the server with --server"),
        ([*server, "--home", "/proc/nowhere", "--no-run"], "cannot be written"),
    ]
    for arguments, sentence in ways:
        done = run_script(*arguments)
        assert done.returncode == 1 and sentence in done.stderr, done.stderr
        assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr
    fleet.away = False
    nobody = run_script(*server, *home, "--token", "used", "--python", sys.executable)
    assert nobody.returncode == 1 and "the lines above say why" in nobody.stderr
    other = run_script(*server, *home, "--python", "/bin/true-python")
    assert other.returncode == 1 and "cannot be run" in other.stderr


def test_a_python_without_the_packages_is_named_before_anything_joins(fleet, tmp_path):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    bare = str(tmp_path / "bare" / "bin" / "python")
    done = run_script("--server", fleet.url, "--home", str(tmp_path / "home"), "--python", bare, "--no-run")
    assert done.returncode == 1 and "cannot run an agent" in done.stderr and "celery" in done.stderr
    assert not fleet.enrolments


@pytest.mark.integration
def test_the_script_makes_an_environment_with_progress_repairs_a_half_made_one_and_is_done_then(fleet, tmp_path):
    """pip installs packages of ours that stand for torch and its companions."""
    for name in ("celery", "numpy"):
        wheel(tmp_path, name)
    script = (ROOT / "agent" / "join.py").read_text().replace('"--no-input"', f'"--no-index", "-f", "{tmp_path}"')
    script = script.replace("NEEDED_BYTES = 4 * 1024**3", "NEEDED_BYTES = 1")
    arguments = ["--server", fleet.url, "--home", str(tmp_path / "home"), "--no-run"]
    fleet.requirements = "celery\nnumpy\nnowhere\n"
    broken = run_script(*arguments, script=script)
    assert "making a virtual environment" in broken.stdout, broken.stderr
    assert broken.returncode == 1 and "pip could not install" in broken.stderr
    fleet.requirements = "celery\nnumpy\n"
    repaired = run_script(*arguments, script=script)
    assert "making a virtual environment" not in repaired.stdout
    assert "MB  Successfully installed" in repaired.stdout
    assert repaired.returncode == 1 and "Name the join token" in repaired.stderr
    assert "everything is installed already" in run_script(*arguments, script=script).stdout


def wheel(directory: Path, name: str) -> Path:
    path = directory / f"{name}-99.0-py3-none-any.whl"
    info = f"{name}-99.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", "")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 99.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture
def fleet(server):
    """The fake server that also hands out sources and constraints, as the real one does without a credential."""
    with _public_files(server):
        yield server


@contextlib.contextmanager
def _public_files(server):
    server.requirements = "celery\n"
    inner = server.listener.RequestHandlerClass

    class Handler(inner):
        def _answer(self, body):
            if self.path.endswith("package.zip"):
                return 200, {}, _package(server.requirements)
            if self.path.endswith("constraints.txt"):
                return 200, {}, b""
            return super()._answer(body)

    for method in ("do_GET", "do_POST"):
        setattr(Handler, method, inner._serve)
    server.listener.RequestHandlerClass = Handler
    yield


def _package(requirements: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for folder in ("agent", "contract", "recipes", "training"):
            for path in sorted((ROOT / folder).rglob("*.py")):
                archive.write(path, path.relative_to(ROOT))
        archive.writestr("requirements.txt", requirements)
    return content.getvalue()
