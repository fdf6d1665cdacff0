"""The least that can be a rank's supervisor: starts it, tells its port, waits for its end."""

import json
import os
from pathlib import Path

from contract.run_dir import write_json


def supervise(run_dir: str, device_home: str, start_rank) -> None:
    rank = start_rank()
    write_json(Path(run_dir, "pids.json"), {"supervisor": os.getpid(), "rank": rank.pid})
    lines = rank.channel.makefile("r", encoding="utf-8")
    told = lines.readline()
    if told:
        write_json(Path(run_dir, "door.json"), json.loads(told))
    _, status = os.waitpid(rank.pid, 0)
    write_json(Path(run_dir, "ended.json"), {"code": os.waitstatus_to_exitcode(status)})
