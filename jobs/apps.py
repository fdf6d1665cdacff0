from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "jobs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        """Tell the apps downstairs what jobs want to hear of and have to say."""
        from jobs import hooks, predictions, reconciler

        hooks.connect()
        if predictions.forget not in reconciler.each_tick:
            reconciler.each_tick.append(predictions.forget)
