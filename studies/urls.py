"""The paths of the catalogue."""

from django.urls import path

from studies.views import studies, study

app_name = "studies"

urlpatterns = [
    path("studies/", studies.listing, name="studies"),
    path("studies/<int:pk>/", study.page, name="study-short"),
    path("studies/<int:pk>/<slug:slug>", study.page, name="study"),
]
