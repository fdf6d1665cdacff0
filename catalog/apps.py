from django.apps import AppConfig


class CatalogConfig(AppConfig):
    name = "catalog"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from catalog.services import note_readiness
        from devices import hooks

        hooks.after_heartbeat.append(lambda device, message: note_readiness(device, message.data))
