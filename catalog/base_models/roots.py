"""Directories of this server from which models may be registered: FLEETUNE_MODEL_ROOTS, set by whoever runs it."""

from pathlib import Path, PurePosixPath

from django.conf import settings

from contract.problems import Invalid, Problem, gettext_noop


def split(path: object) -> tuple[Path, str]:
    """(root, path below it) for an absolute path within an allowed root. Raises Invalid.

    Nothing is resolved here: the child that reads opens each folder from the one above it and follows no link.
    """
    if not isinstance(path, str) or not path.startswith("/") or ".." in PurePosixPath(path).parts or "\0" in path:
        raise _problem(gettext_noop("Give the whole path of a directory on the server, for example /models/my-bert."))
    roots = allowed()
    for root in roots:
        if PurePosixPath(path).is_relative_to(root):
            if not Path(path).is_dir():
                raise _problem(gettext_noop("There is no directory %(path)s on the server."), path=path[:400])
            return root, str(PurePosixPath(path).relative_to(root))
    if not roots:
        sentence = gettext_noop(
            "Reading directories of the server is off. Upload an archive, or ask an admin to allow it."
        )
        raise _problem(sentence)
    sentence = gettext_noop(
        "Models may be read from %(roots)s only. Move it there, or ask an admin to allow this directory."
    )
    raise _problem(sentence, roots=", ".join(map(str, roots)))


def allowed() -> list[Path]:
    return [Path(root).resolve() for root in settings.FLEETUNE_MODEL_ROOTS if root]


def _problem(sentence: str, **params: str) -> Invalid:
    return Invalid([Problem("path", sentence, params)])
