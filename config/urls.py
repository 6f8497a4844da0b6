"""The paths of the site."""

from django.contrib import admin
from django.urls import include, path

from studies.views import errors, home

handler403 = "studies.views.errors.forbidden"
handler404 = "studies.views.errors.not_found"
handler500 = "studies.views.errors.server_error"

urlpatterns = [
    path("", home.page, name="home"),
    path("healthz", errors.healthz, name="healthz"),
    path("admin/", admin.site.urls),
    path("", include("studies.urls")),
]
