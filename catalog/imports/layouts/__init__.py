"""How files lie and what they mean. A new layout: write its file, list it here, copy the test of COCO.

The first layout that fits is taken; `why` of its plan says so to the user.
"""

from typing import Protocol

from catalog.imports.bundle import Bundle
from catalog.imports.layouts.class_folders import ClassFolders
from catalog.imports.layouts.coco import Coco
from catalog.imports.layouts.file_list import FileList
from catalog.imports.layouts.parquet_pictures import ParquetPictures
from catalog.imports.layouts.table_files import TableFiles
from catalog.imports.layouts.text_folders import TextFolders
from catalog.imports.layouts.voc import Voc
from catalog.imports.layouts.yolo import Yolo
from catalog.imports.options import Options
from catalog.imports.plan import Plan
from contract.problems import gettext_noop
from recipes.sandbox.inside import Refused


class Layout(Protocol):
    name: str

    def plan(self, bundle: Bundle, options: Options) -> Plan | None:
        """None: the files lie otherwise. Raises Refused when they lie this way and something is wrong."""


LAYOUTS: list[Layout] = [
    Coco(),
    Voc(),
    Yolo(),
    FileList(),
    ParquetPictures(),
    TableFiles(),
    TextFolders(),
    ClassFolders(),
]


def plan_for(bundle: Bundle, options: Options) -> Plan:
    """Raises Refused when no layout fits: the last one always says what is missing."""
    for layout in LAYOUTS:
        plan = layout.plan(bundle, options)
        if plan is not None:
            _refuse_other_task(plan, options)
            return plan
    raise AssertionError("class folders fit or refuse")


def _refuse_other_task(plan: Plan, options: Options) -> None:
    if options.task and options.task != plan.task:
        sentence = gettext_noop("These files are data for %(found)s, not for %(asked)s. Choose that, or leave it open.")
        raise Refused(sentence, found=plan.task, asked=options.task)
