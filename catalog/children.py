"""What a worker does after a child process has ended: say why it failed, tidy up what it left."""

import logging
import shutil
from pathlib import Path
from typing import Any

from contract.problems import gettext_noop
from recipes.sandbox.outside import Answer

logger = logging.getLogger(__name__)
DIED = gettext_noop("The process that read the data ended without an answer (%(detail)s). Try again.")


def reason(answer: Answer) -> tuple[str, dict[str, Any]]:
    """Sentence and parameters of an answer that is no result."""
    if answer.refused:
        return answer.refused, answer.params
    logger.error("A child process died: %s", answer.died)
    return DIED, {"detail": answer.died.splitlines()[-1][:200]}


def remove_unfinished(parent: Path) -> None:
    """A killed child could not tidy up; this worker is the only one that writes here."""
    remove_directories(*parent.glob(".writing-*"))


def remove_directories(*directories: Path) -> None:
    for directory in directories:
        shutil.rmtree(directory, ignore_errors=True)
