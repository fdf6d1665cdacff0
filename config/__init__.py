"""The Django project: settings, routes, the Celery app, set-up and the keeper of all processes."""
