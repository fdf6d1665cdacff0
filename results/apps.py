from django.apps import AppConfig


class ResultsConfig(AppConfig):
    name = "results"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        """Every job that succeeds becomes a version of a result."""
        from jobs import ending, requirements
        from jobs.report import facts
        from results import limits, registering, reported

        if registering.register not in ending.after_success:
            ending.after_success.append(registering.register)
        if limits.measured_of not in requirements.measured:
            requirements.measured.append(limits.measured_of)
        if reported.of_job not in facts.more:
            facts.more.append(reported.of_job)
