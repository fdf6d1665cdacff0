"""Settings of the Django project. Everything a user may set comes from the environment (`docs/settings.md`)."""

import hashlib
import secrets
import sys
from pathlib import Path

import dj_database_url
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _
from environs import Env

env = Env()
BASE_DIR = Path(__file__).resolve().parent.parent
FLEETUNE_HOME = Path(env.str("FLEETUNE_HOME", str(BASE_DIR / "var"))).resolve()
FLEETUNE_HOME.mkdir(parents=True, exist_ok=True, mode=0o700)
FLEETUNE_HOST = env.str("FLEETUNE_HOST", "127.0.0.1")
FLEETUNE_PORT = env.int("FLEETUNE_PORT", 8000)
FLEETUNE_DEMO = env.bool("FLEETUNE_DEMO", True)
FLEETUNE_CPU_DEVICES = env.int("FLEETUNE_CPU_DEVICES", 2)
FLEETUNE_DATA_ROOTS = env.list("FLEETUNE_DATA_ROOTS", [])
FLEETUNE_MODEL_ROOTS = env.list("FLEETUNE_MODEL_ROOTS", [])


def _kept_secret(name: str) -> str:
    """A secret that is made at the first start and kept in FLEETUNE_HOME, readable by its owner only."""
    path = FLEETUNE_HOME / name
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48), encoding="ascii")
    return path.read_text(encoding="ascii").strip()


SECRET_KEY = env.str("SECRET_KEY", "") or _kept_secret("secret_key")
DEBUG = False
ALLOWED_HOSTS = env.list("FLEETUNE_ALLOWED_HOSTS", []) or ["127.0.0.1", "localhost", "[::1]", FLEETUNE_HOST]

INSTALLED_APPS = [
    "config.apps.FleetuneAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_filters",
    "django_htmx",
    "csp",
    "axes",
    "accounts",
    "devices",
    "catalog",
    "jobs",
    "results",
    "sweeps",
    "checks",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "config.csp.own_sockets_may_be_opened",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "accounts.sessions.sessions_end",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.sessions.own_time_zone",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "config.headers.private_pages_are_not_stored",
    "config.log_ids.LogIds",
    "config.database_away.DatabaseAway",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.pages.every_page",
            ],
            "builtins": ["config.formats", "config.tags"],
        },
    }
]

DATABASE_URL = env.str("DATABASE_URL", "") or f"sqlite:///{FLEETUNE_HOME / 'fleetune.sqlite3'}"
DATABASES = {"default": dj_database_url.parse(DATABASE_URL)}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 5,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
    }
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 0
    DATABASES["default"]["OPTIONS"] = {**DATABASES["default"].get("OPTIONS", {}), "pool": True}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"


def _embedded_broker() -> str:
    """Address of the broker that `make up` runs for this home (`config/broker.py`)."""
    port, password = FLEETUNE_HOME / "broker_port", FLEETUNE_HOME / "broker_password"
    if not port.exists() or not password.exists():
        return "redis://127.0.0.1:6379/0"
    return f"redis://:{password.read_text().strip()}@127.0.0.1:{port.read_text().strip()}/0"


REDIS_URL = env.str("REDIS_URL", "") or _embedded_broker()
FLEETUNE_BROKER_PUBLIC_URL = env.str("FLEETUNE_BROKER_PUBLIC_URL", "")
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": "fleetune-live"},
    }
}

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "accounts.passwords.NotTooLong"},
    {"NAME": "accounts.passwords.NotAboutUs"},
]
LOGIN_URL = "/sign-in/"
LOGIN_REDIRECT_URL = "/"
# Browsers share cookies between ports, so the names carry the instance; a digest, for names are no place for a key.
INSTANCE = hashlib.sha256(f"instance {SECRET_KEY}".encode()).hexdigest()[:8]
SESSION_COOKIE_NAME = f"fleetune_{INSTANCE}_session"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_SAVE_EVERY_REQUEST = False
CSRF_COOKIE_NAME = f"fleetune_{INSTANCE}_csrf"
CSRF_COOKIE_HTTPONLY = False
CSRF_FAILURE_VIEW = "accounts.views.form_too_old"
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_HTTP_RESPONSE_CODE = 429
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "accounts.views.locked_out"
AXES_VERBOSE = False
AXES_DISABLE_ACCESS_LOG = True

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATIC_ROOT = FLEETUNE_HOME / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": FLEETUNE_HOME}},
    "staticfiles": {"BACKEND": "config.static_storage.HashedStaticStorage"},
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]
FILE_UPLOAD_TEMP_DIR = FLEETUNE_HOME

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        # the hash of nothing: Plotly adds one empty <style> and fills it through the CSSOM
        "style-src": [SELF, "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"],
        "img-src": [SELF, "data:", "blob:"],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": [
        "config.json_bodies.JSONBodies",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "config.rest.Pages",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "config.rest.problem_answer",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Fleetune",
    "VERSION": "1.0.0",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {"FleetTestKindEnum": "checks.models.Kind", "DraftKindEnum": ["job", "dataset"]},
}


def _process() -> str:
    """What this process is called in its log lines."""
    of_manage = Path(sys.argv[0]).name == "manage.py" and len(sys.argv) > 1
    return sys.argv[1].replace("_", "-") if of_manage else "web"


LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"lines": {"()": "contract.logs.Formatter", "process": _process()}},
    "filters": {"hide_secrets": {"()": "accounts.log_filter.HideSecrets"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "lines", "filters": ["hide_secrets"]}},
    "loggers": {
        "axes": {"level": "WARNING"},
        "uvicorn": {"handlers": [], "level": "WARNING", "propagate": True},
    },
    "root": {"handlers": ["console"], "level": "INFO"},
}
