"""Headers that every answer carries beside those of Django's own middleware."""


def private_pages_are_not_stored(get_response):
    """Nothing but static files may stay in a cache: after sign-out, Back shows nothing."""

    def middleware(request):
        response = get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.headers.setdefault(
            "Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
        )
        return response

    return middleware
