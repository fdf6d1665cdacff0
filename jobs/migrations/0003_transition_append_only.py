from django.db import migrations

from accounts.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [("jobs", "0002_attempt_withdrawn_seq")]
    operations = [append_only("jobs_transition")]
