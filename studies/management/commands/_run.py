"""What the import commands share: carry a run here and now, with a progress bar and a summary."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from studies.actions import running, searching
from studies.models import SearchRun
from studies.terms import FindingResult, RunState

SHOWN_REASONS = 1000


class RunCommand(BaseCommand):
    """A command that ends with one summary: lines for people, or with --json one object on the last line."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="end with one JSON object on the last line")

    def carry(self, run: SearchRun) -> SearchRun:
        with tqdm(total=None, unit=" records", disable=not sys.stderr.isatty(), file=sys.stderr) as bar:

            def show(run: SearchRun) -> None:
                bar.total = run.n_found if run.planned_at else None
                bar.update(run.n_done - bar.n)

            try:
                return running.carry_on(run.pk, on_progress=show)
            except KeyboardInterrupt:
                searching.pause(run, by="command line")
                raise CommandError(
                    f"Stopped. Run {run.pk} is paused: resume it on the Sync page, nothing it took over is lost."
                ) from None

    def finish(self, runs: list[SearchRun], *, as_json: bool) -> None:
        """Print the summary; any run that failed makes the exit code 1."""
        for run in runs:
            for warning in run.warnings:
                self.stderr.write(f"PubMed says: {warning}")
        summary = summarise(runs)
        if as_json:
            self.stdout.write(json.dumps(summary, ensure_ascii=False))
        else:
            self.stdout.write(
                "{read} read: {created} new, {changed} changed, {unchanged} unchanged, {known} known, "
                "{vanished} not served, {rejected} rejected.".format(**summary)
            )
            for reason in summary["reasons"]:
                self.stdout.write(f"  {reason['record']}: {reason['reason']}")
        failed = [run for run in runs if run.state != RunState.FINISHED]
        if failed:
            raise CommandError("; ".join(run.failure or run.get_state_display() for run in failed))


def summarise(runs: list[SearchRun]) -> dict[str, Any]:
    """The counts of all runs together and why records were rejected or not served."""
    names = ("created", "changed", "unchanged", "known", "vanished", "rejected")
    summary: dict[str, Any] = {"runs": [run.pk for run in runs], "read": sum(run.n_done for run in runs)}
    summary |= {name: sum(getattr(run, f"n_{name}") for run in runs) for name in names}
    reasons = [
        {"record": finding.identifier, "reason": finding.reason}
        for run in runs
        for finding in run.findings.filter(result__in=(FindingResult.REJECTED, FindingResult.VANISHED)).order_by(
            "position"
        )[:SHOWN_REASONS]
    ]
    n_more = summary["rejected"] + summary["vanished"] - len(reasons)
    summary["reasons"] = reasons
    if n_more > 0:
        summary["reasons_not_shown"] = n_more
    return summary
