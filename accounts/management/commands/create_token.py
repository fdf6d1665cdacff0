from django.core.management.base import BaseCommand, CommandError

from accounts import services
from accounts.models import User


class Command(BaseCommand):
    help = "Print a fresh API token with the widest scope of the user's role, and nothing else."

    def add_arguments(self, parser):
        parser.add_argument("username")
        parser.add_argument("--days", type=int, default=services.TOKEN_DAYS)

    def handle(self, *_args, username: str, days: int, **_options):
        user = User.objects.filter(username=username, is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active user '{username}'. Make one with: manage.py createsuperuser")
        self.stdout.write(services.make_token(user, "command line", services.widest_scope(user), days, via="command"))
