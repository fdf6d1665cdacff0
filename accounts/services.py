"""What changes people, their tokens, links and roles, and the server's settings. Every write goes through here."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from accounts import audit, secret_text, server_settings
from accounts.models import Membership, Project, Role, Scope, Setting, SignInLink, Token, User
from accounts.permissions import Rank, role_of
from contract.problems import Invalid, Problem, gettext_noop, unknown

LINK_LIFE = timedelta(hours=24)
TOKEN_DAYS = 90
LONGEST_PASSWORD = 128

landing_page: list[Callable[[User], str | None]] = []
"""Where a sign-in leads when no target was asked for: the first answer that is a path. `jobs` adds the demo's page."""


class LinkSpent(Exception):
    """This sign-in link was used, has run out, or never existed."""


class Refused(Exception):
    """409: this would leave the server in a state that nobody can repair."""


def make_signin_link(user: User) -> str:
    """A fresh one-time link for `user`, as a path. Its text is kept nowhere."""
    text = secret_text.fresh()
    SignInLink.objects.create(user=user, digest=secret_text.digest(text), expires_at=timezone.now() + LINK_LIFE)
    return f"/sign-in/link/{text}/"


def signin_url(user: User) -> str:
    """A fresh one-time link for `user`, as somebody at this machine opens it."""
    return f"http://{settings.FLEETUNE_HOST}:{settings.FLEETUNE_PORT}{make_signin_link(user)}"


def check_signin_link(text: str) -> SignInLink:
    """The link with this text while it may still be redeemed. Raises LinkSpent. Changes nothing."""
    link = SignInLink.objects.select_related("user").filter(digest=secret_text.digest(text)).first()
    if link is None or not secret_text.matches(text, link.digest):
        raise LinkSpent
    if link.used_at or link.expires_at <= timezone.now() or not link.user.is_active:
        raise LinkSpent
    return link


@transaction.atomic
def redeem_signin_link(text: str, *, address: str | None = None) -> User:
    """The user whom this link signs in, once: of several at the same time exactly one wins. Raises LinkSpent."""
    link = check_signin_link(text)
    now = timezone.now()
    if not SignInLink.objects.filter(pk=link.pk, used_at=None, expires_at__gt=now).update(used_at=now):
        raise LinkSpent
    audit.record(link.user, "sign-in link used", link.user, via="page", address=address)
    return link.user


def page_after_sign_in(user: User) -> str:
    """Where to go when nothing else was asked for."""
    return next((page for ask in landing_page if (page := ask(user))), "/")


@transaction.atomic
def make_token(
    user: User, name: str, scope: str, days: int = TOKEN_DAYS, *, via: str = "page", address: str | None = None
) -> str:
    """A fresh API token; this answer is the only place where its text exists. Raises Invalid."""
    problems = [] if 1 <= days <= 3650 else [Problem("days", gettext_noop("A token lives for 1 to 3650 days."))]
    if scope not in Scope.values:
        problems.append(unknown("scope", scope, Scope.values))
    if not 1 <= len(name.strip()) <= 120:
        problems.append(Problem("name", gettext_noop("Give the token a name of 1 to 120 characters.")))
    if problems:
        raise Invalid(problems)
    text = secret_text.fresh(secret_text.TOKEN_PREFIX)
    token = Token.objects.create(
        user=user,
        name=name.strip(),
        scope=scope,
        digest=secret_text.digest(text),
        expires_at=timezone.now() + timedelta(days=days),
    )
    audit.record(user, "token made", token, via=via, after={"scope": scope, "days": days}, address=address)
    return text


def widest_scope(user: User) -> Scope:
    """The widest scope that is of use to this user: never above the role."""
    rank = role_of(user, None)
    return {Rank.ADMIN: Scope.ADMIN, Rank.OPERATOR: Scope.RUN}.get(rank, Scope.READ)


@transaction.atomic
def revoke_token(token: Token, actor: Any, *, via: str = "page", address: str | None = None) -> bool:
    """End a token now; False when it had been revoked before."""
    if not Token.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now()):
        return False
    audit.record(actor, "token revoked", token, via=via, address=address)
    return True


def check_password(password: str, user: User) -> None:
    """Raises Invalid with every rule of `AUTH_PASSWORD_VALIDATORS` that `password` breaks."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid(Problem("password", sentence) for sentence in error.messages) from error


@transaction.atomic
def set_password(user: User, password: str, *, via: str = "page", address: str | None = None) -> None:
    """Give `user` this password, exactly as typed. Every session of theirs ends by it. Raises Invalid."""
    check_password(password, user)
    user.set_password(password)
    user.save(update_fields=["password"])
    audit.record(user, "password set", user, via=via, address=address)


def save_profile(user: User, *, language: str | None = None, time_zone: str | None = None,
                 name: str | None = None, single_keys: bool | None = None) -> None:  # fmt: skip
    """Change what a person may set about themselves; None leaves a part as it is. Raises Invalid."""
    if language and language not in dict(settings.LANGUAGES):
        raise Invalid([unknown("language", language, dict(settings.LANGUAGES))])
    given = {"language": language, "time_zone": time_zone, "first_name": name, "single_keys": single_keys}
    changed = {field: value for field, value in given.items() if value is not None}
    for field, value in changed.items():
        setattr(user, field, value)
    user.save(update_fields=list(changed))


@transaction.atomic
def add_person(username: str, role: str, actor: Any, *, project: Project | None = None, via: str = "page") -> User:
    """A person without a password, who comes in by a sign-in link. `role` is viewer, operator or admin."""
    user = User(username=username)
    user.set_unusable_password()
    try:
        user.full_clean(exclude=["password"])
    except ValidationError as error:
        raise Invalid(Problem(field, text) for field, texts in error.message_dict.items() for text in texts) from error
    user.save()
    give_role(user, role, project=project)
    audit.record(actor, "person added", user, via=via, after={"role": role})
    return user


@transaction.atomic
def set_role(user: User, role: str, actor: Any, *, project: Project | None = None, via: str = "page") -> None:
    """Change a person's role in `project` (default: the first one); `admin` is server-wide."""
    if user.is_superuser and role != "admin":
        _refuse_last_admin(user)
    before = role_of(user, project).name.lower()
    give_role(user, role, project=project)
    audit.record(actor, "role changed", user, via=via, before={"role": before}, after={"role": role})


def give_role(user: User, role: str, *, project: Project | None = None) -> None:
    """Write the role, without asking and without an audit entry (set-up uses it too). Raises Invalid."""
    if role not in (*Role.values, "admin"):
        raise Invalid([unknown("role", role, [*Role.values, "admin"])])
    user.is_superuser = user.is_staff = role == "admin"
    user.save(update_fields=["is_superuser", "is_staff"])
    kept = Role.OPERATOR if role == "admin" else role
    Membership.objects.update_or_create(user=user, project=project or Project.default(), defaults={"role": kept})


@transaction.atomic
def set_active(user: User, active: bool, actor: Any, *, via: str = "page") -> None:
    """Let a person in or keep them out; sessions and tokens stop working at once. The last admin stays."""
    if not active and user.is_superuser:
        _refuse_last_admin(user)
    User.objects.filter(pk=user.pk).update(is_active=active)
    audit.record(actor, "activated" if active else "deactivated", user, via=via, before={"active": not active})


@transaction.atomic
def change_settings(values: dict[str, Any], actor: Any, *, via: str = "page") -> None:
    """Change those of `values` that are other than now; none when one is wrong. Raises Invalid with every problem."""
    problems = [problem for key, value in values.items() if (problem := server_settings.problem_of(key, value))]
    if problems:
        raise Invalid(problems)
    now = server_settings.all_values()
    for key, value in values.items():
        if value != now[key]:
            change_setting(key, value, actor, via=via)


@transaction.atomic
def change_setting(key: str, value: Any, actor: Any, *, via: str = "page") -> None:
    """Change a setting of the server. Raises Invalid for an unknown key or a value of another kind."""
    if key not in server_settings.KNOWN:
        raise Invalid([unknown(key, key, server_settings.KNOWN)])
    if problem := server_settings.problem_of(key, value):
        raise Invalid([problem])
    before = server_settings.value_of(key)
    row, _made = Setting.objects.update_or_create(key=key, defaults={"value": value})
    audit.record(actor, "setting changed", row, via=via, before={key: before}, after={key: value})


def _refuse_last_admin(user: User) -> None:
    others = User.objects.filter(is_superuser=True, is_active=True).exclude(pk=user.pk)
    if not others.select_for_update().exists():
        raise Refused(gettext_noop("The last admin stays an admin: make another person admin first."))
