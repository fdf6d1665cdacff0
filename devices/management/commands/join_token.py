from django.core.management.base import BaseCommand, CommandError

from devices import enrolment
from devices.models import Device


class Command(BaseCommand):
    help = "Print a fresh join token (one use, 15 minutes), and nothing else."

    def add_arguments(self, parser):
        whose = parser.add_mutually_exclusive_group()
        whose.add_argument("--host", default="", help="name of the host that the devices will belong to")
        whose.add_argument("--device", default="", help="slug of a device added beforehand, or one that joins anew")

    def handle(self, *_args, host: str, device: str, **_options):
        row = Device.objects.filter(slug=device, removed_at=None).first() if device else None
        if device and row is None:
            raise CommandError(f"There is no device '{device}'.")
        self.stdout.write(enrolment.make_token(None, host=host, device=row, via="command"))
