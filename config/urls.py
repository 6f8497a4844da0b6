"""The paths of the site."""

from django.contrib import admin
from django.urls import include, path

handler403 = "studies.views.errors.forbidden"
handler404 = "studies.views.errors.not_found"
handler500 = "studies.views.errors.server_error"

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("studies.urls")),
]
