"""`manage.py seed_demo`: the first person, and the demo when FLEETUNE_DEMO is on. Safe to call at every start."""

from django.core.management.base import BaseCommand

from accounts import services as accounts
from accounts.models import User
from config.settings import env
from jobs import services


class Command(BaseCommand):
    help = "Makes the user admin when there is none, and the demo's datasets and jobs when they were never made."

    def handle(self, *args, **options):
        admin = User.objects.filter(is_superuser=True, is_active=True).order_by("id").first() or self._make_admin()
        for job in services.seed_demo(admin):
            self.stdout.write(f"demo job {job}")

    def _make_admin(self) -> User:
        password = env.str("FLEETUNE_ADMIN_PASSWORD", "") or None
        admin = User.objects.create_user("admin", password=password)
        accounts.give_role(admin, "admin")
        if password and len(password) < 12:
            self.stderr.write("FLEETUNE_ADMIN_PASSWORD is shorter than 12 characters: choose a longer one soon.")
        return admin
