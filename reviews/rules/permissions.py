"""What each role may do in a review, as one table: the gate reads it, and leads are shown it as it stands."""

from enum import StrEnum

from reviews.terms import Role


class Permission(StrEnum):
    """One thing that a person may or may not do in a review."""

    READ_PROTOCOL = "read the protocol"
    READ = "read its reports, its log and the decisions that are no longer blind"
    SCREEN = "screen reports and add full texts"
    ADD_REPORTS = "add reports by hand, from files and from citations"
    ADJUDICATE = "settle conflicts and classify what was included"
    MERGE = "merge duplicates, keep them apart and take merges back"
    MANAGE_SCREENING = "open, close and deal stages, and reopen decisions"
    MANAGE_SEARCHES = "choose the searches that feed the review"
    EDIT_PROTOCOL = "change the protocol and the criteria"
    MANAGE_TEAM = "invite people, give roles and take them back"


ANYBODY = "anybody"  # of a public review, signed in or not
SITE_ADMIN = "site-admin"  # of any review, member or not

_OBSERVER = frozenset({Permission.READ_PROTOCOL, Permission.READ})
_REVIEWER = _OBSERVER | {Permission.SCREEN, Permission.ADD_REPORTS}
_ADJUDICATOR = _REVIEWER | {Permission.ADJUDICATE, Permission.MERGE}

PERMISSIONS: dict[str, frozenset[Permission]] = {
    ANYBODY: frozenset({Permission.READ_PROTOCOL}),
    Role.OBSERVER: _OBSERVER,
    Role.REVIEWER: _REVIEWER,
    Role.ADJUDICATOR: _ADJUDICATOR,
    Role.LEAD: frozenset(Permission),
    # Runs the site and mends what is stuck, but says nothing about reports of a review it is no member of.
    SITE_ADMIN: frozenset(Permission) - {Permission.SCREEN, Permission.ADJUDICATE},
}

LABELS = {ANYBODY: "Anybody, of a public review", SITE_ADMIN: "Site admin"} | dict(Role.choices)


def permissions_of(*, role: str = "", is_site_admin: bool = False, is_public: bool = False) -> frozenset[Permission]:
    """All that somebody may do: by their role, by running the site, and because the review is public."""
    found = PERMISSIONS.get(role, frozenset())
    if is_site_admin:
        found |= PERMISSIONS[SITE_ADMIN]
    return found | PERMISSIONS[ANYBODY] if is_public else found


def table() -> list[tuple[str, list[bool]]]:
    """The table as leads see it: each permission with a yes or no per column of `LABELS`' order in PERMISSIONS."""
    return [(str(power), [power in powers for powers in PERMISSIONS.values()]) for power in Permission]


def columns() -> list[str]:
    return [LABELS[name] for name in PERMISSIONS]
