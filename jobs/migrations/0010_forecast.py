import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """What was predicted of a job, and what came."""

    dependencies = [("jobs", "0009_errand_rows")]

    operations = [
        migrations.CreateModel(
            "Forecast",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("likeness", models.CharField(max_length=64)),
                ("kinship", models.CharField(max_length=64)),
                ("basis", models.CharField(blank=True, max_length=10)),
                ("predicted", models.JSONField(default=dict)),
                ("real", models.JSONField(default=dict)),
                ("made_at", models.DateTimeField(auto_now_add=True)),
                (
                    "job",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="forecast", to="jobs.job"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["likeness"], name="forecasts_of_likes"),
                    models.Index(fields=["kinship"], name="forecasts_of_kin"),
                ],
            },
        ),
    ]
