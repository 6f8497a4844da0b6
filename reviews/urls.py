"""The paths of reviews."""

from django.urls import path

from reviews.views import candidates, protocol, reporting, screening, team

app_name = "reviews"

urlpatterns = [
    path("", protocol.reviews, name="reviews"),
    path("new/", protocol.new, name="new"),
    path("invitation/<str:secret>/", team.invitation, name="invitation"),
    path("<slug:slug>/", protocol.review, name="review"),
    path("<slug:slug>/edit/", protocol.edit, name="edit"),
    path("<slug:slug>/words/", protocol.words, name="words"),
    path("<slug:slug>/living/", protocol.living, name="living"),
    path("<slug:slug>/status/", protocol.state_status, name="status"),
    path("<slug:slug>/criteria/", protocol.criteria, name="criteria"),
    path("<slug:slug>/criteria/revisit/", protocol.revisit, name="revisit"),
    path("<slug:slug>/team/", team.team, name="team"),
    path("<slug:slug>/team/invite/", team.invite, name="invite"),
    path("<slug:slug>/team/leave/", team.leave, name="leave"),
    path("<slug:slug>/team/<int:pk>/", team.change_member, name="member"),
    path("<slug:slug>/team/<int:pk>/remove/", team.remove, name="member_remove"),
    path("<slug:slug>/team/invitations/<int:pk>/resend/", team.resend, name="invitation_resend"),
    path("<slug:slug>/team/invitations/<int:pk>/take-back/", team.take_back, name="invitation_take_back"),
    path("<slug:slug>/sources/", candidates.sources, name="sources"),
    path("<slug:slug>/sources/search/", candidates.add_search, name="search_add"),
    path("<slug:slug>/sources/search/<int:pk>/remove/", candidates.remove_search, name="search_remove"),
    path("<slug:slug>/sources/file/", candidates.import_file, name="import"),
    path("<slug:slug>/sources/reports/", candidates.add_reports, name="reports_add"),
    path("<slug:slug>/reports/", candidates.listing, name="reports"),
    path("<slug:slug>/reports/export.csv", candidates.export, name="reports_csv"),
    path("<slug:slug>/reports/<int:pk>/", candidates.report, name="report"),
    path("<slug:slug>/reports/<int:pk>/settle/", candidates.settle, name="settle"),
    path("<slug:slug>/reports/<int:pk>/full-text/", candidates.full_text, name="full_text"),
    path("<slug:slug>/reports/<int:pk>/pdf/", candidates.pdf, name="pdf"),
    path("<slug:slug>/reports/<int:pk>/classify/", candidates.classify, name="classify"),
    path("<slug:slug>/reports/<int:pk>/reopen/", candidates.reopen, name="reopen"),
    path("<slug:slug>/screening/", screening.screening, name="screening"),
    path("<slug:slug>/screening/dealing/", screening.change_dealing, name="dealing"),
    path("<slug:slug>/screening/<slug:stage>/next/", screening.take, name="take"),
    path("<slug:slug>/screening/<slug:stage>/undo/", screening.undo, name="undo"),
    path("<slug:slug>/screening/<slug:stage>/change/", screening.change_stage, name="stage"),
    path("<slug:slug>/screening/<slug:stage>/<int:pk>/", screening.card, name="card"),
    path("<slug:slug>/log/", reporting.log, name="log"),
    path("<slug:slug>/log.csv", reporting.log_csv, name="log_csv"),
    path("<slug:slug>/decisions.csv", reporting.decisions_csv, name="decisions_csv"),
]
