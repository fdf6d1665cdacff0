"""Proof that the tests can fail: each mutation breaks one promise in a copy of the tree, and a named test turns red.

make test-the-tests [ONLY=fence]
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "var", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache")


@dataclass(frozen=True)
class Mutation:
    """In `path` the text `old` becomes `new`; `test` must notice."""

    name: str
    path: str
    old: str
    new: str
    test: str


MUTATIONS = (
    Mutation(
        "a claim goes on without the device that is taken",
        "devices/leases.py",
        "            raise DeviceTaken(device) from error\n",
        "            continue\n",
        "tests/jobs/test_scheduling.py::test_a_claim_that_meets_a_taken_device_leaves_nothing_behind",
    ),
    Mutation(
        "no fence check",
        "jobs/agent_access.py",
        "if rank.fence != fence:",
        "if False:",
        "tests/jobs/test_agent_views.py::test_another_fence_is_stale",
    ),
    Mutation(
        "a checkpoint is believed unread",
        "training/checkpoint_files.py",
        'if _entry(place / entry["name"]) != entry:',
        "if False:",
        "tests/training/test_checkpoint_files.py::test_damage_of_any_kind_is_seen",
    ),
    Mutation(
        "expire by wall clock alone",
        "devices/leases.py",
        "lease.healthy_ticks >= ticks_needed(lease)",
        "True",
        "tests/jobs/test_reconciler.py::test_silence_while_our_own_address_does_not_answer_does_not_count",
    ),
    Mutation(
        "no grace after an outage of our own",
        "jobs/reconciler.py",
        "            grant_time_after_outage(now)\n",
        "            pass\n",
        "tests/jobs/test_reconciler.py::test_after_a_gap_in_our_own_ticks_all_leases_and_deadlines_get_grace",
    ),
    Mutation(
        "store past a gap",
        "jobs/ingest.py",
        "if batch.number == number + 1:",
        "if batch.number > number:",
        "tests/jobs/test_ingest.py::test_nothing_is_stored_past_a_gap",
    ),
    Mutation(
        "a blind update of the state",
        "jobs/transitions.py",
        "return actor in LEGAL.get((state, to), ()) and",
        "return",
        "tests/jobs/test_transitions.py::test_an_illegal_move_changes_nothing",
    ),
    Mutation(
        "ring before the commit",
        "jobs/claims.py",
        "transaction.on_commit(partial(_ring_for, job_id, attempt.pk, devices), robust=True)",
        "_ring_for(job_id, attempt.pk, devices)",
        "tests/jobs/test_scheduling.py::test_devices_are_rung_after_the_commit",
    ),
    Mutation(
        "one heartbeat for both: a silent agent ends its job",
        "devices/services.py",
        "        if silent.filter(pk=device.pk).update(state=DeviceState.OFFLINE)\n",
        "        if silent.filter(pk=device.pk).update(state=DeviceState.OFFLINE)"
        " and leases.live().filter(device=device).update(released_at=now) >= 0\n",
        "tests/jobs/test_reconciler.py::test_a_silent_agent_makes_its_device_offline_but_not_its_job_lost",
    ),
    Mutation(
        "points past a resume stay",
        "jobs/withdrawal.py",
        "    drop_points(attempt, after_step)\n",
        "",
        "tests/jobs/test_attempts.py::test_going_on_takes_back_points_and_checkpoints_past_the_step",
    ),
    Mutation(
        "small jobs starve a big one",
        "jobs/scheduling.py",
        "                fleet.hold(choice.hold, job.pk)\n",
        "                pass\n",
        "tests/jobs/test_scheduling.py::test_a_large_job_that_has_waited_long_gets_devices_kept_for_it",
    ),
    Mutation(
        "a fewer-device attempt shrinks the global batch",
        "jobs/assignments.py",
        "    return wish.count if wish.fewest else 0\n",
        "    return 0\n",
        "tests/jobs/test_elastic.py::test_an_elastic_job_goes_on_with_fewer_from_its_checkpoint_and_keeps_its_global_batch",
    ),
)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="", help="mutations whose name has this in it")
    options = parser.parse_args()
    chosen = [mutation for mutation in MUTATIONS if options.only in mutation.name]
    with tempfile.TemporaryDirectory(prefix="fleetune-mutations-") as place:
        tree = Path(place) / "tree"
        shutil.copytree(ROOT, tree, ignore=LEFT_OUT, symlinks=True)
        if not _pass(tree, [mutation.test for mutation in chosen]):
            raise SystemExit("These tests must be green before anything is broken: run them by themselves.")
        survived = [mutation.name for mutation in chosen if not _turns_red(tree, mutation)]
    for name in survived:
        print(f"nobody noticed: {name}")
    print(f"{len(chosen) - len(survived)} of {len(chosen)} mutations turned a test red")
    return 1 if survived else 0


def _turns_red(tree: Path, mutation: Mutation) -> bool:
    """Whether the test, which is green without the mutation, is red with it."""
    path = tree / mutation.path
    sound = path.read_text(encoding="utf-8")
    if sound.count(mutation.old) != 1:
        raise SystemExit(f"{mutation.name}: {mutation.path} does not have this text once: {mutation.old!r}")
    path.write_text(sound.replace(mutation.old, mutation.new), encoding="utf-8")
    try:
        red = not _pass(tree, [mutation.test])
    finally:
        path.write_text(sound, encoding="utf-8")
    print(f"  {'red' if red else 'NOT NOTICED'}: {mutation.name}", flush=True)
    return red


def _pass(tree: Path, tests: list[str]) -> bool:
    """Whether all of these pass. The test database is made once and kept: no mutation changes a table."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--reuse-db", *tests]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FLEETUNE")}
    home = {"FLEETUNE_HOME": str(tree.parent / "home")}
    return subprocess.run(command, cwd=tree, env=clean | home, capture_output=True).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
