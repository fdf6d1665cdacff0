from django.urls import path

from accounts.settings_views import SettingsView
from accounts.views import LinkView, SignInView, sign_out

urlpatterns = [
    path("sign-in/", SignInView.as_view(), name="sign_in"),
    path("sign-in/link/<str:text>/", LinkView.as_view(), name="signin_link"),
    path("sign-out/", sign_out, name="sign_out"),
    path("settings/", SettingsView.as_view(), name="settings"),
    path("settings/<slug:section>/", SettingsView.as_view(), name="settings"),
]
