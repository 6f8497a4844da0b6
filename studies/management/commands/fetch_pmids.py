"""Fetch PubMed records by PMID."""

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
        parser.add_argument("pmids", nargs="+", metavar="PMID")

    def handle(self, *args: Any, pmids: list[str], json: bool, **options: Any) -> None:
        if wrong := [text for text in pmids if identifiers.pmid(text) is None]:
            raise CommandError(f"Not a PMID: {', '.join(wrong)}")
        run = searching.request_once(RunKind.PMIDS, " ".join(pmids))
        self.finish([self.carry(run)], as_json=json)
