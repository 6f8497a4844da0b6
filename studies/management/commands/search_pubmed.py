"""Search PubMed and take over what is found."""

from typing import Any

from django.core.management.base import CommandParser

from studies.actions import searching
from studies.management.commands._run import RunCommand
from studies.terms import RunKind


class Command(RunCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("query", help="as typed into PubMed's search box")
        parser.add_argument("--max", type=int, metavar="N", help="only the N newest records")

    def handle(self, *args: Any, query: str, max: int | None, json: bool, **options: Any) -> None:
        run = searching.request_once(RunKind.SEARCH, query, limit=max)
        self.finish([self.carry(run)], as_json=json)
