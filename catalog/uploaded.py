"""Keeping a file that came with a request."""

import os
import shutil
from pathlib import Path

from django.core.files.uploadedfile import UploadedFile


def keep(uploaded_file: UploadedFile, place: Path) -> None:
    """Under a name of our own; without a copy where the upload already lies on this disk."""
    place.unlink(missing_ok=True)
    temporary = getattr(uploaded_file, "temporary_file_path", None)
    if temporary:
        try:
            os.link(temporary(), place)
            return
        except OSError:
            shutil.copyfile(temporary(), place)
            return
    with open(place, "wb") as file:
        for chunk in uploaded_file.chunks():
            file.write(chunk)


def forget(place: Path) -> None:
    """A kept file, or a directory of what was fetched."""
    if place.is_dir():
        shutil.rmtree(place, ignore_errors=True)
    else:
        place.unlink(missing_ok=True)
