"""What a bare host fetches before it is known: the agent's code and versions, and no secret."""

import io
import subprocess
import sys
import zipfile

import pytest
from django.conf import settings

from devices import package

pytestmark = pytest.mark.django_db


def archive(client) -> zipfile.ZipFile:
    answer = client.get("/agent/v1/package.zip")
    assert answer.status_code == 200
    return zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))


def test_the_package_holds_what_an_agent_needs_and_nothing_of_the_server(client):
    names = archive(client).namelist()
    assert {name.split("/")[0] for name in names if "/" in name} == {"agent", "contract", "recipes", "training"}
    assert {name for name in names if "/" not in name} == {"requirements.txt", "constraints.txt"}
    assert all(name.endswith((".py", ".txt")) for name in names)


def test_the_same_code_gives_the_same_bytes(client):
    first, again = (b"".join(client.get("/agent/v1/package.zip").streaming_content) for _ in range(2))
    assert first == again


def test_an_agent_starts_from_the_package_alone(client, tmp_path):
    archive(client).extractall(tmp_path)
    asked = subprocess.run(
        [sys.executable, "-m", "agent", "--help"], cwd=tmp_path, env={"PATH": "/usr/bin:/bin"}, capture_output=True
    )
    assert asked.returncode == 0, asked.stderr


def test_the_join_script_and_the_pinned_versions_are_public_text(client):
    script = client.get("/agent/v1/join.py")
    compile(script.content, "join.py", "exec")
    assert b"torch==2.13.0" in client.get("/agent/v1/constraints.txt").content
    for answer in (script, client.get("/agent/v1/constraints.txt")):
        assert answer["Content-Type"].startswith("text/plain")
        assert settings.SECRET_KEY.encode() not in answer.content
    assert client.post("/agent/v1/join.py").status_code == 405


def test_every_requirement_of_an_agent_is_pinned():
    pinned = {line.split("==")[0].lower() for line in (settings.BASE_DIR / "constraints.txt").read_text().splitlines()}
    wanted = {name.split("[")[0].split("==")[0].lower() for name in package.requirements()}
    assert wanted <= pinned
