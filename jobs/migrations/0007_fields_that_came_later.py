"""Specs of jobs from before get the settings that came later, at their defaults: what reads a spec finds all of them."""

from django.db import migrations

from contract.spec import completed


def complete(apps, _schema):
    Job = apps.get_model("jobs", "Job")
    for job in Job.objects.only("pk", "spec").iterator():
        spec = completed(job.spec)
        if spec != job.spec:
            Job.objects.filter(pk=job.pk).update(spec=spec)


class Migration(migrations.Migration):
    dependencies = [("jobs", "0006_job_trial")]
    operations = [migrations.RunPython(complete, migrations.RunPython.noop)]
