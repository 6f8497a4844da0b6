"""The paths of the site."""

from django.contrib.auth import views as auth
from django.urls import include, path

from studies.admin import site
from studies.api.v1 import api
from studies.views import accounts, errors, home

handler403 = "studies.views.errors.forbidden"
handler404 = "studies.views.errors.not_found"
handler500 = "studies.views.errors.server_error"

urlpatterns = [
    path("", home.page, name="home"),
    path("healthz", errors.healthz, name="healthz"),
    path("sign-in/", accounts.SignIn.as_view(), name="login"),
    path("sign-out/", auth.LogoutView.as_view(), name="logout"),
    path("reset/", accounts.Reset.as_view(), name="password_reset"),
    path("reset/sent/", auth.PasswordResetDoneView.as_view(), name="password_reset_done"),
    path("reset/<uidb64>/<token>/", accounts.ResetConfirm.as_view(), name="password_reset_confirm"),
    path("admin/", site.urls),
    path("reviews/", include("reviews.urls")),
    path("api/v1/", api.urls),
    path("", include("studies.urls")),
]
