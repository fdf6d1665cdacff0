from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "jobs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        """Tell the apps downstairs what jobs want to hear of and have to say."""
        from jobs import ending, hooks, memory_probes, predictions, private_checkpoints, reconciler

        hooks.connect()
        for drive in (predictions.forget, memory_probes.drive):
            if drive not in reconciler.each_tick:
                reconciler.each_tick.append(drive)
        if private_checkpoints.forget not in ending.after_success:
            ending.after_success.append(private_checkpoints.forget)
