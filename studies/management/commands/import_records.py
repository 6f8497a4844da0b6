"""Import files of records: PubMed XML (also .gz), JATS, nbib, RIS, BibTeX or CSV."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from studies.actions import importing
from studies.management.commands._run import RunCommand


class Command(RunCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")

    def handle(self, *args: Any, files: list[Path], json: bool, **options: Any) -> None:
        try:
            runs = [importing.request_path(path) for path in files]
        except importing.Refused as error:
            raise CommandError(str(error)) from None
        self.finish([self.carry(run) for run in runs], as_json=json)
