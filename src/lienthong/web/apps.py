"""The shell as a Django app, for its templates and its translations."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "lienthong.web"
    label = "web"
