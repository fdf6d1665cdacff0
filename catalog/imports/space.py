"""Room on the disk, looked for before anything is written."""

import shutil
from pathlib import Path

from contract.problems import gettext_noop
from recipes.sandbox.inside import Refused

SPACE_LEFT_BYTES = 256 * 2**20


def refuse_without_space(parent: Path, needed: int) -> None:
    parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(parent).free
    if free < needed + SPACE_LEFT_BYTES:
        sentence = gettext_noop("The data need %(needed)s MiB and %(free)s MiB are free. Make room and try again.")
        raise Refused(sentence, needed=-(-needed // 2**20), free=free // 2**20)
