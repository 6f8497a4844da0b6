"""What is kept of reviews: protocol, team, candidates, decisions, flow."""

from reviews.models.candidates import (
    Assignment,
    Candidate,
    CandidateRecord,
    DuplicateLink,
    ReviewSearch,
    ReviewSource,
    SourceRun,
)
from reviews.models.duplicates import PairProposal
from reviews.models.protocol import CriteriaVersion, Criterion, Review, ReviewStage, StatusStatement
from reviews.models.ranking import Ranking
from reviews.models.reporting import FlowVersion
from reviews.models.screening import ScreeningDecision
from reviews.models.team import Membership, ReviewInvitation

__all__ = [
    "Assignment",
    "Candidate",
    "CandidateRecord",
    "CriteriaVersion",
    "Criterion",
    "DuplicateLink",
    "FlowVersion",
    "Membership",
    "PairProposal",
    "Ranking",
    "Review",
    "ReviewInvitation",
    "ReviewSearch",
    "ReviewSource",
    "ReviewStage",
    "ScreeningDecision",
    "SourceRun",
    "StatusStatement",
]
