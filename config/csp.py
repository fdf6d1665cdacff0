"""The part of the content security policy that depends on the request: the site's own sockets."""


def own_sockets_may_be_opened(get_response):
    """Name `ws://` or `wss://` of the request's own host in `connect-src`: older Safari does not take 'self' for it."""

    def middleware(request):
        response = get_response(request)
        scheme = "wss" if request.is_secure() else "ws"
        update = dict(getattr(response, "_csp_update", None) or {})
        sources = update.get("connect-src", [])
        update["connect-src"] = [
            *([sources] if isinstance(sources, str) else sources),
            f"{scheme}://{request.get_host()}",
        ]
        response._csp_update = update
        return response

    return middleware
