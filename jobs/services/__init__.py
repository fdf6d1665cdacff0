"""The verbs of jobs: every write that a person asks for goes through one of these."""

from jobs.services.asking import Refused, cancel, move_off, pause, resume, retry, shut_down
from jobs.services.changing import change, move, pause_queue, remove, resume_queue
from jobs.services.demo import remove_demo, run_demo_again, seed_demo
from jobs.services.submitting import clone, submit
from jobs.services.trying import try_failure

__all__ = [
    "Refused",
    "cancel",
    "change",
    "clone",
    "move",
    "move_off",
    "pause",
    "pause_queue",
    "remove",
    "remove_demo",
    "resume",
    "resume_queue",
    "retry",
    "run_demo_again",
    "seed_demo",
    "shut_down",
    "submit",
    "try_failure",
]
