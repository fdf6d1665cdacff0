"""Measurements are of jobs, so that checkpoints of one that still runs can be measured; and say of which data."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, OuterRef, Subquery


def move_to_jobs(apps, _schema):
    measurements = apps.get_model("results", "Measurement").objects
    versions = apps.get_model("results", "ResultVersion").objects.filter(pk=OuterRef("version"))
    measurements.update(
        job=Subquery(versions.values("job")[:1]), prepared=Subquery(versions.values("job__prepared")[:1])
    )


def move_to_versions(apps, _schema):
    measurements = apps.get_model("results", "Measurement").objects
    measurements.filter(job__result_version=None).delete()
    measurements.exclude(prepared=F("job__prepared")).delete()
    versions = apps.get_model("results", "ResultVersion").objects.filter(job=OuterRef("job"))
    measurements.update(version=Subquery(versions.values("pk")[:1]))


def link(to, **more):
    return models.ForeignKey(to=to, on_delete=django.db.models.deletion.PROTECT, related_name="+", **more)


def of_job(**more):
    on_delete = django.db.models.deletion.CASCADE
    return models.ForeignKey(to="jobs.job", on_delete=on_delete, related_name="measurements", **more)


def of_version():
    on_delete = django.db.models.deletion.CASCADE
    return models.ForeignKey(
        to="results.resultversion", on_delete=on_delete, related_name="measurements", null=True
    )


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0006_data_as_a_model_takes_it"),
        ("jobs", "0011_what_jobs_began_with"),
        ("results", "0004_code_of_versions"),
    ]
    operations = [
        migrations.AddField("measurement", "step", models.BigIntegerField(null=True)),
        migrations.AddField("measurement", "foreign", link("catalog.prepareddata", null=True)),
        migrations.AddField("measurement", "job", of_job(null=True)),
        migrations.AddField("measurement", "prepared", link("catalog.prepareddata", null=True)),
        migrations.AlterField("measurement", "version", of_version()),
        migrations.RunPython(move_to_jobs, move_to_versions),
        migrations.RemoveField("measurement", "version"),
        migrations.AlterField("measurement", "job", of_job()),
        migrations.AlterField("measurement", "prepared", link("catalog.prepareddata")),
    ]
