"""Proves an export of Fleetune without Fleetune and without a network: python check.py [EXPORT.zip or its folder]

Every file is hashed again and compared with manifest.json and with what job.json says of the model files; steps of the
metrics have to come once each. Ends with 0 when all is as it was written, else with 1 and what is not.
"""

import csv
import hashlib
import io
import json
import sys
import zipfile
from pathlib import Path


def main(arguments):
    place = Path(arguments[0]) if arguments else Path(__file__).resolve().parent
    read = from_zip(place) if place.is_file() else lambda name: (place / name).read_bytes()
    problems = problems_of(read)
    for problem in problems:
        print(problem)
    print("NOT as it was written" if problems else "Everything is as it was written.")
    return 1 if problems else 0


def from_zip(path):
    archive = zipfile.ZipFile(path)
    return lambda name: archive.read(name)


def problems_of(read):
    manifest = json.loads(read("manifest.json"))
    problems = [problem for name, said in manifest["files"].items() if (problem := file_problem(read, name, said))]
    if problems:
        return problems
    return artifact_problems(read, manifest) + metric_problems(read)


def file_problem(read, name, said):
    try:
        data = read(name)
    except (KeyError, OSError):
        return f"{name} is missing"
    if len(data) != said["bytes"] or hashlib.sha256(data).hexdigest() != said["sha256"]:
        return f"{name} is not what the manifest says"
    return ""


def artifact_problems(read, manifest):
    """The model files are those that the job reported."""
    reported = {row["name"]: row["sha256"] for row in json.loads(read("job.json"))["artifacts"]}
    files = manifest["files"]
    inside = {name.partition("/")[2]: files[name]["sha256"] for name in files if name.startswith("model/")}
    return [f"model/{name} is not the file of the job" for name, found in inside.items() if reported.get(name) != found]


def metric_problems(read):
    seen = set()
    for row in csv.DictReader(io.StringIO(read("metrics.csv").decode())):
        point = (row["rank"], row["key"], row["step"])
        if point in seen:
            return [f"metrics.csv: {row['key']} of rank {row['rank']} has step {row['step']} twice"]
        seen.add(point)
    return []


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
