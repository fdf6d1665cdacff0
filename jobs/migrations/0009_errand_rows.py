from django.db import migrations, models


class Migration(migrations.Migration):
    """What an errand answered row by row lies apart from its answer."""

    dependencies = [("jobs", "0008_errands_that_meet")]

    operations = [migrations.AddField("errand", "rows", models.JSONField(default=dict))]
