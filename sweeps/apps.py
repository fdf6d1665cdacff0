from django.apps import AppConfig


class SweepsConfig(AppConfig):
    name = "sweeps"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        """Control's tick drives the sweeps too."""
        from jobs import reconciler
        from sweeps import driver

        if driver.tick not in reconciler.each_tick:
            reconciler.each_tick.append(driver.tick)
