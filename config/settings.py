"""Every setting, each from the environment with its default; README lists them."""

from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from config import embedded, environment

ROOT = Path(__file__).resolve().parent.parent
HOME = embedded.home()

# --- Safety --------------------------------------------------------------------------------------
DEBUG = environment.flag("STRATUM_DEBUG", False)
SECRET_KEY = environment.secret("STRATUM_SECRET_KEY") or embedded.secret_key(HOME)
if len(SECRET_KEY) < 32:
    raise ImproperlyConfigured("STRATUM_SECRET_KEY must have at least 32 characters.")
ALLOWED_HOSTS = environment.names("STRATUM_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
SITE_URL = environment.web_address("STRATUM_URL", "http://127.0.0.1:8000").rstrip("/")
CSRF_TRUSTED_ORIGINS = [SITE_URL]
CSRF_FAILURE_VIEW = "studies.views.accounts.stale_form"
IS_HTTPS = SITE_URL.startswith("https://")
BEHIND_PROXY = environment.flag("STRATUM_BEHIND_PROXY", False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
SECURE_SSL_REDIRECT = IS_HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if IS_HTTPS else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "manifest-src": ["'self'"],
    }
}

# --- The app -------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "django_htmx",
    "csp",
    "axes",
    "reviews",
    "studies",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "studies.middleware.BoundedBody",
    "studies.middleware.ApiDoor",
    "studies.middleware.RequireLogin",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Database (manage.py sets DATABASE_URL when none is configured: config/embedded.py) ------------
DATABASES = {"default": environment.database("DATABASE_URL") if embedded.has_address() else {}}

# --- Accounts ------------------------------------------------------------------------------------
AUTH_USER_MODEL = "studies.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "home"
REQUIRE_LOGIN = environment.flag("REQUIRE_LOGIN", False)
ADMIN_EMAIL = environment.email("STRATUM_ADMIN_EMAIL", "admin@localhost")  # the account that `up` makes
INVITATION_DAYS = environment.number("STRATUM_INVITATION_DAYS", 7, low=1, high=90)
PASSWORD_RESET_TIMEOUT = 24 * 3600
AXES_FAILURE_LIMIT = environment.number("STRATUM_SIGN_IN_TRIES", 5, low=1, high=100)
AXES_COOLOFF_TIME = 0.25  # hours
AXES_USERNAME_FORM_FIELD = "username"
AXES_CLIENT_IP_CALLABLE = "studies.access.client_address"
AXES_ENABLE_ADMIN = False
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_TEMPLATE = "registration/locked.html"
AXES_VERBOSE = False

# --- Mail ----------------------------------------------------------------------------------------
globals().update(environment.mail_server("STRATUM_MAIL_URL"))
DEFAULT_FROM_EMAIL = SERVER_EMAIL = environment.email("STRATUM_MAIL_FROM", "stratum@localhost")

# --- News ----------------------------------------------------------------------------------------
NEW_DAYS = environment.number("STRATUM_NEW_DAYS", 30, low=1, high=365)  # how long a trial is marked as new

# --- NCBI ----------------------------------------------------------------------------------------
NCBI_BASE_URL = environment.web_address("NCBI_BASE_URL", "https://eutils.ncbi.nlm.nih.gov/entrez/eutils/")
NCBI_IDCONV_URL = environment.web_address(
    "NCBI_IDCONV_URL", "https://pmc.ncbi.nlm.nih.gov/tools/idconv/api/v1/articles/"
)
NCBI_TOOL = environment.text("NCBI_TOOL", "stratum")
NCBI_EMAIL = environment.email("NCBI_EMAIL")
NCBI_API_KEY = environment.secret("NCBI_API_KEY")
NCBI_TIMEOUT = environment.number("NCBI_TIMEOUT", 60, low=1, high=600)  # seconds
NCBI_BATCH = environment.number("NCBI_BATCH", 200, low=1, high=500)  # records a request

# --- Citations and retractions -------------------------------------------------------------------
ICITE_BASE_URL = environment.web_address("ICITE_BASE_URL", "https://icite.od.nih.gov/api")
RETRACTION_WATCH_URL = environment.web_address(
    "RETRACTION_WATCH_URL",
    "https://gitlab.com/crossref/retraction-watch-data/-/raw/main/retraction_watch.csv",
)
# --- ClinicalTrials.gov --------------------------------------------------------------------------
CTGOV_BASE_URL = environment.web_address("CTGOV_BASE_URL", "https://clinicaltrials.gov/api/v2/")
CTGOV_USER_AGENT = environment.text("CTGOV_USER_AGENT", "stratum")  # the registry refuses some programs by name
CTGOV_TIMEOUT = environment.number("CTGOV_TIMEOUT", 60, low=1, high=600)  # seconds

# --- Files ---------------------------------------------------------------------------------------
UPLOAD_MEGABYTES = environment.number("STRATUM_UPLOAD_MEGABYTES", 100, low=1, high=2000)
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
UPLOADS = HOME / "uploads"
UPLOAD_PAGES = {"reviews:import", "reviews:full_text"}  # beside the catalogue's own, for people who are signed in

# --- Check a citation ------------------------------------------------------------------------------
CHECK_MOST = environment.number("STRATUM_CHECK_MOST", 1000, low=10, high=20_000)  # references of one check
CHECK_AN_HOUR = environment.number("STRATUM_CHECK_AN_HOUR", 1000, low=10, high=1_000_000)  # references of a visitor
CHECK_DAYS = environment.number("STRATUM_CHECK_DAYS", 30, low=1, high=365)  # a check is kept

# --- Read API ------------------------------------------------------------------------------------
API_A_MINUTE = environment.number("STRATUM_API_A_MINUTE", 60, low=1, high=100_000)  # requests without a token
API_METER = HOME / "limits" / "api"
API_TOKEN_A_MINUTE = environment.number("STRATUM_API_TOKEN_A_MINUTE", 300, low=1, high=100_000)  # with one

# --- Celery --------------------------------------------------------------------------------------
CELERY_BROKER_URL = environment.secret("CELERY_BROKER_URL") or "filesystem://"
if CELERY_BROKER_URL == "filesystem://":
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(HOME / "queue"),
        "data_folder_out": str(HOME / "queue"),
        "processed_folder": str(HOME / "queue-done"),
        "control_folder": str(HOME / "queue-control"),
        "store_processed": False,
    }
    # Nobody gives workers orders this way, and two that start at once in a new folder could both write the file by
    # which they would listen: what came of it could not be read, and neither ever started again.
    CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
elif CELERY_BROKER_URL.startswith(("redis", "sentinel")):
    # A message unacknowledged for so long is given to another worker: longer than any task may take.
    CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600}
CELERY_TASK_IGNORE_RESULT = True
# A message goes away when its work is done; the filesystem transport cannot do that, there only the sweep helps.
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# A run may take hours; a task hands it on to the next one, well within the half hour that RabbitMQ waits.
CELERY_TASK_SOFT_TIME_LIMIT, CELERY_TASK_TIME_LIMIT = 20 * 60, 25 * 60
# "ncbi" holds whatever asks an outside service, "default" the rest, so that the rest never waits for the outside.
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {
    f"studies.tasks.{name}": {"queue": "ncbi"} for name in ("carry_on", "check_citations", "tend_example")
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    "tick": {"task": "studies.tasks.tick", "schedule": 15.0, "options": {"expires": 14}},
    "reviews": {"task": "reviews.tasks.tick", "schedule": 15.0, "options": {"expires": 14}},
    "duplicates": {"task": "reviews.tasks.compare", "schedule": 60.0, "options": {"expires": 59}},
    "ranking": {"task": "reviews.tasks.rank_due", "schedule": 30.0, "options": {"expires": 29}},
    "tend checks": {"task": "studies.tasks.tend_checks", "schedule": 60.0, "options": {"expires": 55}},
    "tidy": {"task": "studies.tasks.tidy", "schedule": 3600.0, "options": {"expires": 3000}},
    "tell": {"task": "studies.tasks.tell", "schedule": 60.0, "options": {"expires": 55}},
}

# --- Time, language, static files ----------------------------------------------------------------
LANGUAGE_CODE = "en-gb"
USE_TZ = True
TIME_ZONE = "UTC"
USE_THOUSAND_SEPARATOR = False
STATIC_URL = "static/"
STATIC_ROOT = HOME / "static"
STATICFILES_DIRS = [ROOT / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# --- Log -----------------------------------------------------------------------------------------
LOG_LEVEL = environment.one_of("STRATUM_LOG_LEVEL", "INFO", {"DEBUG", "INFO", "WARNING", "ERROR"})
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{levelname} {name}: {message}", "style": "{"}},
    "filters": {"outage": {"()": "config.outage.OneLine"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["outage"]}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    # A line for every tick would bury what matters.
    "loggers": {
        name: {"level": "WARNING"} for name in ("axes", "celery.worker.strategy", "celery.app.trace", "celery.beat")
    },
}
