"""The WSGI application that ``lienthong serve`` gives to Granian. Its log lines are those of the exchange."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lienthong.web.settings")


def _write_logs() -> None:
    from django.conf import settings

    from lienthong.exchange.configuration import Logging
    from lienthong.exchange.logs import configure_logs
    from lienthong.web.deployment import configuration

    chosen = configuration(settings.DATA)
    configure_logs(chosen.logging if chosen else Logging())


_write_logs()
application = get_wsgi_application()
