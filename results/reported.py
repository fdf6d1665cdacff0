"""What the report of a job says of the model that it left."""

from typing import Any

from jobs.models import Job
from results import choices, queries
from results.models import ResultVersion

OF_VERSION = ("headline", "requirements", "evaluations", "elsewhere", "security", "lineage")
OF_RESULT = ("slug", "name", "version", "stage", "stage_reason", "url")


def of_job(job: Job) -> dict[str, Any]:
    """The facts of its version, with every measurement that was asked for; {} for a job without one."""
    version = ResultVersion.objects.filter(job=job).select_related("result__project", "job__prepared").first()
    if version is None:
        return {}
    facts = queries.version_json(version)
    choice = choices.choice_of(version, facts["evaluations"])
    told = {name: facts[name] for name in OF_VERSION}
    return told | {
        "result": {name: facts[name] for name in OF_RESULT},
        "files": facts["artifacts"],
        "safety": facts.get("safety", []),
        "choice": choices.choice_json(choice) | {"sentence": choices.sentence(choice, facts["headline"]["metric"])},
    }
