from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0006_data_as_a_model_takes_it"),
    ]

    operations = [
        migrations.AddField(
            model_name="dataset",
            name="found",
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name="dataset",
            name="found_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name="dataset",
            name="state",
            field=models.CharField(
                choices=[
                    ("importing", "Importing"),
                    ("review", "To be checked"),
                    ("ready", "Ready"),
                    ("failed", "Failed"),
                ],
                default="importing",
                max_length=10,
            ),
        ),
    ]
