from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("catalog", "0004_imports_and_uploads")]

    operations = [
        migrations.AlterModelOptions(name="prepareddata", options={"verbose_name_plural": "prepared data"}),
        migrations.AlterModelOptions(name="readiness", options={"verbose_name_plural": "readiness"}),
    ]
