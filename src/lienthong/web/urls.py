"""The addresses of the web side."""

from django.urls import path

from lienthong.web.pages import status

urlpatterns = [path("", status, name="status")]
