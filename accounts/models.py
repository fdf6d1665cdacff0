"""People, projects and their roles, tokens and sign-in links (only digests are kept), audit log, settings, drafts."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    VIEWER = "viewer", _("Viewer")
    OPERATOR = "operator", _("Operator")


class Scope(models.TextChoices):
    """What an API token may do; never more than its owner's role."""

    READ = "read", _("Read")
    RUN = "run", _("Run jobs")
    ADMIN = "admin", _("Administer")


class User(AbstractUser):
    """A person. A superuser is the server's admin."""

    language = models.CharField(_("language"), max_length=10, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)
    single_keys = models.BooleanField(_("single-key shortcuts"), default=True)

    @property
    def is_admin(self) -> bool:
        return self.is_active and self.is_superuser


class Project(models.Model):
    """What jobs, datasets and models belong to."""

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=120)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]

    def __str__(self):
        return self.name

    @classmethod
    def default(cls) -> "Project":
        """The first project; made when the migrations have run."""
        return cls.objects.order_by("id")[:1].get()


class Membership(models.Model):
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    project = models.ForeignKey(Project, models.CASCADE, related_name="memberships")
    role = models.CharField(_("role"), max_length=10, choices=Role.choices, default=Role.VIEWER)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "project"], name="one_role_a_project")]

    def __str__(self):
        return f"{self.user}: {self.role} in {self.project}"


class Token(models.Model):
    """An API token `flt_…`; its text is shown once and never stored."""

    user = models.ForeignKey(User, models.CASCADE, related_name="tokens")
    name = models.CharField(_("name"), max_length=120)
    digest = models.CharField(max_length=128, unique=True, editable=False)
    scope = models.CharField(_("scope"), max_length=10, choices=Scope.choices, default=Scope.READ)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"))
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-id"]

    def __str__(self):
        return self.name


class SignInLink(models.Model):
    """A one-time link; following it shows a button, pressing that redeems it."""

    user = models.ForeignKey(User, models.CASCADE, related_name="signin_links")
    digest = models.CharField(max_length=128, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self):
        return str(self.user)


class AuditEntry(models.Model):
    """Who did what to what. Append only (triggers); each entry holds the hash of the one before."""

    at = models.DateTimeField()
    actor = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    actor_name = models.CharField(max_length=150)
    via = models.CharField(max_length=20)
    """page, api, admin, command or system"""
    verb = models.CharField(max_length=60)
    object_type = models.CharField(max_length=40)
    object_id = models.CharField(max_length=64)
    object_name = models.CharField(max_length=150)
    address = models.GenericIPAddressField(null=True)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    reason = models.TextField(blank=True)
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64, unique=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "audit entries"

    def __str__(self):
        return f"{self.actor_name} {self.verb} {self.object_name}".strip()


class Setting(models.Model):
    """One server-wide setting that an admin changed; the rest have their defaults."""

    key = models.CharField(max_length=60, unique=True)
    value = models.JSONField()

    def __str__(self):
        return self.key


class Draft(models.Model):
    """An unfinished form, kept so that leaving a page loses nothing. Never a job."""

    owner = models.ForeignKey(User, models.CASCADE, related_name="drafts")
    project = models.ForeignKey(Project, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=10)
    data = models.JSONField(default=dict)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self):
        return f"{self.kind} {self.pk}"


class IdempotencyKey(models.Model):
    """The first answer to a POST, given again when the same request comes once more within 24 h."""

    owner = models.ForeignKey(User, models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    body_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    answer = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "key"], name="one_answer_a_key")]

    def __str__(self):
        return self.key
