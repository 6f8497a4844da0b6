"""`manage.py suggest_tags`: read studies with the rules as they are now; running it again changes nothing."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from studies.actions.suggesting import suggest_all


class Command(BaseCommand):
    help = "Renew the open tag suggestions of studies read with other rules; what people answered stays."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--all", action="store_true", help="read every study again")

    def handle(self, *args: Any, **options: Any) -> None:
        n_studies = n_changed = 0
        for read, changed in suggest_all(is_full=options["all"]):
            n_studies, n_changed = n_studies + read, n_changed + changed
        if options["verbosity"]:
            self.stdout.write(f"{n_studies} studies read, {n_changed} suggestions new, changed or gone")
