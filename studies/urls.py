"""The paths of the catalogue."""

from django.urls import path

from studies.views import (
    accounts,
    durability,
    evidence_map,
    exports,
    people,
    protocols,
    studies,
    study,
    sync,
)

app_name = "studies"

urlpatterns = [
    path("studies/", studies.listing, name="studies"),
    path("studies/export/<slug:kind>", exports.of_list, name="export"),
    path("studies/references/", exports.references_of_list, name="references"),
    path("studies/<int:pk>/export/<slug:kind>", exports.of_study, name="study_export"),
    path("studies/<int:pk>/references/", exports.references_of_study, name="study_references"),
    path("studies/<int:pk>/", study.page, name="study-short"),
    path("studies/<int:pk>/<slug:slug>", study.page, name="study"),
    path("map/", evidence_map.page, name="map"),
    path("map/cell/", evidence_map.cell, name="map_cell"),
    path("protocols/", protocols.page, name="protocols"),
    path("durability/", durability.page, name="durability"),
    path("account/", accounts.account, name="account"),
    path("invitation/<str:secret>/", accounts.invitation, name="invitation"),
    path("people/", people.people, name="people"),
    path("people/invite/", people.invite, name="invite"),
    path("people/<int:pk>/role/", people.change_role, name="person_role"),
    path("people/<int:pk>/reset-link/", people.reset_link, name="person_reset_link"),
    path("people/<int:pk>/deactivate/", people.deactivate, name="person_deactivate"),
    path("people/<int:pk>/reactivate/", people.reactivate, name="person_reactivate"),
    path("people/invitations/<int:pk>/resend/", people.resend, name="invitation_resend"),
    path("people/invitations/<int:pk>/take-back/", people.take_back, name="invitation_take_back"),
    path("sync/", sync.sync, name="sync"),
    path("sync/searches/new/", sync.new_search, name="search_new"),
    path("sync/searches/<int:pk>/", sync.edit_search, name="search_edit"),
    path("sync/searches/<int:pk>/run/", sync.run_now, name="search_run"),
    path("sync/searches/<int:pk>/pause/", sync.pause_search, name="search_pause"),
    path("sync/searches/<int:pk>/resume/", sync.resume_search, name="search_resume"),
    path("sync/import/", sync.import_file, name="import"),
    path("sync/runs/", sync.runs, name="runs"),
    path("sync/runs/<int:pk>/", sync.run, name="run"),
    path("sync/runs/<int:pk>/progress/", sync.progress, name="run_progress"),
    path("sync/runs/<int:pk>/line/", sync.run_line, name="run_line"),
    path("sync/runs/<int:pk>/pause/", sync.pause, name="run_pause"),
    path("sync/runs/<int:pk>/resume/", sync.resume, name="run_resume"),
    path("sync/runs/<int:pk>/cancel/", sync.cancel, name="run_cancel"),
]
