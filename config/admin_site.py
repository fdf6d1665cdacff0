from django.contrib.admin import AdminSite
from django.utils.translation import gettext_lazy as _


class FleetuneAdminSite(AdminSite):
    site_title = _("Fleetune admin")
    site_header = _("Fleetune admin")
    index_title = _("Everything on this server")
