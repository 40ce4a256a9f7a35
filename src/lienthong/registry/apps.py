"""The registry as a Django app."""

from django.apps import AppConfig


class RegistryConfig(AppConfig):
    name = "lienthong.registry"
    label = "registry"
    verbose_name = "Registry of agencies"
    default_auto_field = "django.db.models.BigAutoField"
