"""`manage.py load_starter`: load the vocabulary, the starter library and searches; running it again changes nothing."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from studies.actions.running import WORK
from studies.actions.starter import Counts, load_starter, load_vocabulary
from studies.actions.starter_searches import load_searches


class Command(BaseCommand):
    help = "Load the vocabulary, starter library and starter searches (once; what people or sources changed stays)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one summary object")

    def handle(self, *args: Any, **options: Any) -> None:
        counts = {
            "vocabulary": load_vocabulary(),
            "starter": load_starter(),
            "searches": load_searches(kinds=WORK),
        }
        if options["json"]:
            self.stdout.write(json.dumps({name: asdict(value) for name, value in counts.items()}))
            return
        if options["verbosity"] == 0:
            return
        self.stdout.write(_line("Vocabulary", "terms", counts["vocabulary"]))
        self.stdout.write(_line("Starter library", "studies", counts["starter"]))
        self.stdout.write(_line("Starter searches", "searches and standing jobs", counts["searches"]))


def _line(name: str, things: str, counts: Counts) -> str:
    line = f"{name}: {counts.read} {things}, {counts.created} new, {counts.changed} changed, {counts.kept} kept"
    return line + (f", {counts.retired} retired" if counts.retired else "")
