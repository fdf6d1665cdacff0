"""Jobs that succeeded before there were results get theirs, in the order in which they ended."""

from django.db import migrations
from django.utils.text import slugify


def register_all(apps, _schema):
    Job = apps.get_model("jobs", "Job")
    Result = apps.get_model("results", "Result")
    ResultVersion = apps.get_model("results", "ResultVersion")
    for job in Job.objects.filter(state="succeeded").order_by("ended_at", "id"):
        result = Result.objects.filter(project=job.project, name=job.name, task=job.task).first()
        if result is None:
            base, number = slugify(job.name)[:100] or "model", 1
            while Result.objects.filter(slug=base if number == 1 else f"{base}-{number}").exists():
                number += 1
            slug = base if number == 1 else f"{base}-{number}"
            result = Result.objects.create(
                project=job.project, owner=job.owner, name=job.name, task=job.task, slug=slug
            )
        ResultVersion.objects.create(result=result, job=job, number=result.versions.count() + 1)


class Migration(migrations.Migration):
    dependencies = [("results", "0001_initial")]
    operations = [migrations.RunPython(register_all, migrations.RunPython.noop)]
