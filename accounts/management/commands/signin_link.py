from django.core.management.base import BaseCommand, CommandError

from accounts import services
from accounts.models import User


class Command(BaseCommand):
    help = "Print a fresh one-time sign-in link of a user, and nothing else."

    def add_arguments(self, parser):
        parser.add_argument("username")

    def handle(self, *_args, username: str, **_options):
        user = User.objects.filter(username=username, is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active user '{username}'. Make one with: manage.py createsuperuser")
        self.stdout.write(services.signin_url(user))
