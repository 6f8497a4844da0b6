"""What each site role may do, as one table."""

from enum import StrEnum

from studies.terms import SiteRole


class Permission(StrEnum):
    """One thing that an account may or may not do on the site."""

    READ = "read and export the catalogue"
    TAG = "tag studies"
    KEEP_SEARCHES = "keep searches and subscribe to alerts"
    REVIEW = "take part in reviews"
    GROUP = "say which reports and registrations are one study"
    SYNC = "run searches and import files"
    MANAGE_PEOPLE = "invite people and give roles"
    MANAGE_CATALOGUE = "correct the catalogue and its vocabulary"


_VISITOR = frozenset({Permission.READ})
_CLINICIAN = _VISITOR | {Permission.TAG, Permission.KEEP_SEARCHES}
_REVIEWER = _CLINICIAN | {Permission.REVIEW, Permission.GROUP}

PERMISSIONS: dict[SiteRole, frozenset[Permission]] = {
    SiteRole.VISITOR: _VISITOR,
    SiteRole.CLINICIAN: _CLINICIAN,
    SiteRole.REVIEWER: _REVIEWER,
    SiteRole.ADMIN: frozenset(Permission),
}


def is_allowed(role: SiteRole | str, permission: Permission) -> bool:
    """Whether the table gives this role this permission; a role that the table lacks has none."""
    return permission in PERMISSIONS.get(SiteRole(role), frozenset())
