"""Django's settings: a bare project over the registry, with nothing third-party and nothing optional.

Everything an installation chooses comes from the environment, which ``lienthong serve`` and
:mod:`lienthong.cli.django` fill from the data folder:

``LIENTHONG_DATA``          the data folder; without it (tests, ``check``) an in-memory database is used
``LIENTHONG_REGISTRY_URL``  ``postgresql://user:password@host:port/name`` instead of ``registry.sqlite3``
``LIENTHONG_WEB_HOSTS``     host names the pages are served under, separated by commas
``LIENTHONG_WEB_HTTPS``     ``1`` when a proxy in front ends TLS
``LIENTHONG_HUB_URL``       where the status page asks the hub
"""

from __future__ import annotations

import os
from pathlib import Path

from lienthong.web.deployment import database, secret_key

DATA = Path(os.environ["LIENTHONG_DATA"]) if os.environ.get("LIENTHONG_DATA") else None
HTTPS = os.environ.get("LIENTHONG_WEB_HTTPS") == "1"

DEBUG = False
SECRET_KEY = secret_key(DATA)
ALLOWED_HOSTS = [
    "localhost",
    "127.0.0.1",
    "[::1]",
    *filter(None, os.environ.get("LIENTHONG_WEB_HOSTS", "").split(",")),
]
DATABASES = {"default": database(DATA, os.environ.get("LIENTHONG_REGISTRY_URL", ""))}

INSTALLED_APPS = ["lienthong.registry", "lienthong.web"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "lienthong.web.middleware.content_security",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "lienthong.web.middleware.language_of_the_address",
]
ROOT_URLCONF = "lienthong.web.urls"
WSGI_APPLICATION = "lienthong.web.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]

LANGUAGE_CODE = "vi"
LANGUAGES = [("vi", "Tiếng Việt"), ("en", "English")]
LOCALE_PATHS = [Path(__file__).parent / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Asia/Ho_Chi_Minh"

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = False

LOGGING_CONFIG = None  # web.wsgi writes the same lines as the exchange; commands leave logging alone

SILENCED_SYSTEM_CHECKS = ["security.W021"]  # preloading is for the owner of the domain to decide
