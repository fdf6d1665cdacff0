"""Write the heads of jobs anew from the points that are stored."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from jobs.metrics import heads
from jobs.models import Job


class Command(BaseCommand):
    help = "Rebuild heads, latest values and summaries from the stored points: of all jobs, or of those named."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("jobs", nargs="*", type=int, help="numbers of jobs")

    def handle(self, *args: Any, **options: Any) -> None:
        jobs = Job.objects.filter(pk__in=options["jobs"]) if options["jobs"] else Job.objects.all()
        for number in jobs.order_by("pk").values_list("pk", flat=True):
            with transaction.atomic():
                Job.objects.select_for_update(no_key=True).get(pk=number)
                heads.rebuild(number)
            self.stdout.write(f"#{number}")
