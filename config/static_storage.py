from collections.abc import Iterator
from typing import Any

from django.core.files.base import ContentFile
from whitenoise.storage import CompressedManifestStaticFilesStorage

from config import bundles


class HashedStaticStorage(CompressedManifestStaticFilesStorage):
    """Static files named by their content; our modules and styles joined with what they import."""

    manifest_strict = False

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Iterator[Any]:
        if not dry_run:
            paths = paths | self._joined(paths)
        yield from super().post_process(paths, dry_run, **options)

    def _joined(self, paths: dict[str, Any]) -> dict[str, Any]:
        """Write the joined files over the collected ones; all are read before one is written."""

        def read(name: str) -> str:
            storage, path = paths[name]
            with storage.open(path) as file:
                return file.read().decode()

        ours = {name: read(name) for name in paths if name.startswith(("js/", "css/"))}
        made = {name: bundles.module(name, read) for name, text in ours.items() if bundles.IMPORT.search(text)}
        made |= {name: bundles.style(name, read) for name, text in ours.items() if bundles.STYLE.search(text)}
        for name, text in made.items():
            self.delete(name)
            self.save(name, ContentFile(text.encode()))
        return {name: (self, name) for name in made}
