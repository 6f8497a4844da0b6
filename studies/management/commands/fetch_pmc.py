"""Fetch PMC articles with their sections, where their licence allows it."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from studies import identifiers
from studies.actions import searching
from studies.management.commands._run import RunCommand
from studies.terms import RunKind


class Command(RunCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("pmcids", nargs="+", metavar="PMCID")

    def handle(self, *args: Any, pmcids: list[str], json: bool, **options: Any) -> None:
        if wrong := [text for text in pmcids if not identifiers.pmcid(text)]:
            raise CommandError(f"Not a PMCID (PMC and digits): {', '.join(wrong)}")
        run = searching.request_once(RunKind.PMC, " ".join(identifiers.pmcid(text) for text in pmcids))
        self.finish([self.carry(run)], as_json=json)
