"""The ASGI application: pages, REST and agent calls over HTTP, live data over websockets."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.core.asgi import get_asgi_application

http_application = get_asgi_application()

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402 - after the apps are loaded
from channels.sessions import SessionMiddlewareStack  # noqa: E402

from jobs.routing import websocket_urlpatterns  # noqa: E402

application = ProtocolTypeRouter(
    {"http": http_application, "websocket": SessionMiddlewareStack(URLRouter(websocket_urlpatterns))}
)
