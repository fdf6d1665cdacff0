"""What a host fetches to become part of the fleet: the agent's own code, its pinned packages, the script that joins."""

import io
import tomllib
import zipfile
from functools import cache
from pathlib import Path

from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

FOLDERS = ("agent", "contract", "recipes", "training")
SAME_TIME = (2020, 1, 1, 0, 0, 0)
"""of every file in the archive, so that the same code gives the same bytes"""


@require_safe
def join_script(_request: HttpRequest) -> HttpResponse:
    """`join.py`: standard library only; makes the device's own environment, then runs `python -m agent join`."""
    return _text("agent/join.py")


@require_safe
def constraints(_request: HttpRequest) -> HttpResponse:
    """The pinned versions of everything, the server's own."""
    return _text("constraints.txt")


@require_safe
def package(_request: HttpRequest) -> FileResponse:
    """Sources of agent, contract, recipes and training with `requirements.txt`: code only, no secrets."""
    files = sources()
    newest = max(path.stat().st_mtime_ns for path in files)
    return FileResponse(io.BytesIO(_archive(newest, len(files))), filename="package.zip", as_attachment=True)


def sources() -> list[Path]:
    """The files that a device needs, sorted."""
    return sorted(path for folder in FOLDERS for path in (settings.BASE_DIR / folder).rglob("*.py"))


def requirements() -> list[str]:
    """The packages of an agent, by name; `constraints.txt` pins them."""
    project = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["optional-dependencies"]["agent"]


@cache
def _archive(_newest_ns: int, _count: int) -> bytes:
    """The archive; made again when a source changed."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sources():
            name = path.relative_to(settings.BASE_DIR).as_posix()
            archive.writestr(zipfile.ZipInfo(name, SAME_TIME), path.read_bytes(), zipfile.ZIP_DEFLATED)
        archive.writestr(zipfile.ZipInfo("requirements.txt", SAME_TIME), "\n".join(requirements()) + "\n")
        pinned = (settings.BASE_DIR / "constraints.txt").read_bytes()
        archive.writestr(zipfile.ZipInfo("constraints.txt", SAME_TIME), pinned, zipfile.ZIP_DEFLATED)
    return content.getvalue()


def _text(name: str) -> HttpResponse:
    path = settings.BASE_DIR / name
    if not path.is_file():
        raise Http404
    return HttpResponse(path.read_bytes(), content_type="text/plain; charset=utf-8")
