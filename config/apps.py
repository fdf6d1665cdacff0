from django.contrib.admin.apps import AdminConfig


class FleetuneAdminConfig(AdminConfig):
    default_site = "config.admin_site.FleetuneAdminSite"
