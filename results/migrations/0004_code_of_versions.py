from django.db import migrations, models


class Migration(migrations.Migration):
    """A version says under which release it was made."""

    dependencies = [("results", "0003_requirements")]

    operations = [migrations.AddField("resultversion", "code", models.JSONField(default=dict))]
