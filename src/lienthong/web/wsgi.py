"""The WSGI application that ``lienthong serve`` gives to Granian."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lienthong.web.settings")

application = get_wsgi_application()
