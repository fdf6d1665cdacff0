from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("jobs", "0004_job_base_model")]

    operations = [
        migrations.AlterField(
            model_name="errand",
            name="state",
            field=models.CharField(
                choices=[
                    ("pending", "Pending"),
                    ("running", "Running"),
                    ("done", "Done"),
                    ("failed", "Failed"),
                    ("cancelled", "Cancelled"),
                ],
                default="pending",
                max_length=10,
            ),
        ),
    ]
