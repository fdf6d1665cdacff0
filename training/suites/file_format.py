"""Whether a file of the model could run code when it is opened: every file that came with it is looked into."""

from dataclasses import asdict
from typing import Any

from training.checkpoint_files import file_hash
from training.file_scan import scan
from training.suites.subject import Subject


def file_format(subject: Subject) -> dict[str, Any]:
    """rows ("safety/format": value 0 pass, 1 warn, 2 fail, and n files), files (name, verdict, why, sha256)"""
    files = []
    for path in sorted(path for path in subject.path.parent.iterdir() if path.is_file()):
        files.append(asdict(scan(path)) | {"sha256": file_hash(path)})
        subject.still_here()
    worst = max((("pass", "warn", "fail").index(file["verdict"]) for file in files), default=0)
    return {"rows": {"safety/format": {"value": worst, "n": len(files)}}, "files": files}
