"""What the frame of every page shows."""


def every_page(request):
    return {}
