"""Django's settings."""

SECRET_KEY = "only-for-tests"  # noqa: S105
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
INSTALLED_APPS: list[str] = []
USE_TZ = True
