from django.db import migrations, models


class Migration(migrations.Migration):
    """Errands may meet others of their gang, and say what they are doing."""

    dependencies = [("jobs", "0007_fields_that_came_later")]

    operations = [
        migrations.AddField("errand", "stage", models.CharField(blank=True, max_length=20)),
        migrations.AddField("errand", "gang", models.BigIntegerField(db_index=True, null=True)),
        migrations.AddField("errand", "rank", models.PositiveIntegerField(default=0)),
        migrations.AddField("errand", "world_size", models.PositiveIntegerField(default=1)),
        migrations.AddField("errand", "acknowledged", models.BooleanField(default=False)),
        migrations.AddField("errand", "rendezvous", models.JSONField(null=True)),
    ]
