"""Who may do what. Pages, REST, sockets, exports and the admin all ask `may`; nothing else decides.

The rules are data (`RULES`), so that `docs/permissions.csv` can be compared with them word for word.
Not visible → the caller answers 404 (look things up through `visible`). Visible but not allowed → `require` raises.
"""

from enum import IntEnum
from typing import Any, NamedTuple, TypeVar

from django.core.exceptions import PermissionDenied
from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext as _

from accounts import server_settings
from accounts.models import Project, Role, Scope, Token, User

M = TypeVar("M", bound=Model)


class Rank(IntEnum):
    """How far a role reaches; each includes those below. `NOBODY` is never reached: no token may do it."""

    NONE = 0
    VIEWER = 1
    OPERATOR = 2
    ADMIN = 3
    NOBODY = 4


class Rule(NamedTuple):
    """The least role and token scope for a verb, on one's own things and on others'."""

    own: Rank
    others: Rank
    own_scope: Rank
    others_scope: Rank


def _rule(role: Rank, scope: Rank, others: Rank | None = None, others_scope: Rank | None = None) -> Rule:
    return Rule(role, role if others is None else others, scope, scope if others_scope is None else others_scope)


NONE, VIEWER, OPERATOR, ADMIN, NOBODY = Rank
READ_TOKEN, RUN_TOKEN, ADMIN_TOKEN, NO_TOKEN = VIEWER, OPERATOR, ADMIN, NOBODY

RULES: dict[str, Rule] = {
    "docs": _rule(VIEWER, READ_TOKEN),
    "see": _rule(VIEWER, READ_TOKEN),
    "download": _rule(OPERATOR, READ_TOKEN),
    "see_raw": _rule(OPERATOR, READ_TOKEN),
    "run": _rule(OPERATOR, RUN_TOKEN),
    "change": _rule(OPERATOR, RUN_TOKEN, ADMIN, ADMIN_TOKEN),
    "approve": _rule(ADMIN, ADMIN_TOKEN),
    "prioritise": _rule(ADMIN, ADMIN_TOKEN),
    "drain": _rule(ADMIN, ADMIN_TOKEN),
    "register": _rule(ADMIN, NO_TOKEN),
    "manage": _rule(ADMIN, NO_TOKEN),
    "account": _rule(VIEWER, NO_TOKEN, NOBODY, NO_TOKEN),
    "audit": _rule(OPERATOR, ADMIN_TOKEN, ADMIN, ADMIN_TOKEN),
    "verdict": _rule(OPERATOR, ADMIN_TOKEN),
    "system": _rule(ADMIN, ADMIN_TOKEN),
}
ROLE_RANKS = {Role.VIEWER: VIEWER, Role.OPERATOR: OPERATOR}
SCOPE_RANKS = {Scope.READ: READ_TOKEN, Scope.RUN: RUN_TOKEN, Scope.ADMIN: ADMIN_TOKEN}


def may(actor: Any, verb: str, obj: Any = None, *, token: Token | None = None) -> bool:
    """Whether `actor` may `verb` `obj`: a thing with `.project` or `.owner`, a Project, or None for the server.

    `token` is the token of the request, when it came with one; its scope caps what its owner may do.
    """
    role_needed, scope_needed = _needed(actor, verb, obj)
    if token is not None and SCOPE_RANKS[Scope(token.scope)] < scope_needed:
        return False
    return role_of(actor, _project_of(obj)) >= role_needed


def require(actor: Any, verb: str, obj: Any = None, *, token: Token | None = None) -> None:
    """Raise PermissionDenied with a sentence that says what is missing, unless `actor` may."""
    if may(actor, verb, obj, token=token):
        return
    if may(actor, verb, obj):
        raise PermissionDenied(_token_sentence(token))
    raise PermissionDenied(needed_sentence(_needed(actor, verb, obj)[0]))


def visible(actor: Any, queryset: QuerySet[M], path: str = "project") -> QuerySet[M]:
    """The rows that `actor` may see. `path` leads from a row to its project; "" when the rows are projects."""
    if role_of(actor, None) == Rank.ADMIN:
        return queryset
    if not getattr(actor, "is_active", False):
        return queryset.none()
    projects = Project.objects.filter(memberships__user=actor)
    return queryset.filter(Q(pk__in=projects) if path == "" else Q(**{f"{path}__in": projects}))


def role_of(actor: Any, project: Project | None) -> Rank:
    """The actor's role in `project`, or the highest one in any project when that is None."""
    if actor is None or not actor.is_authenticated or not actor.is_active:
        return Rank.NONE
    if actor.is_superuser:
        return Rank.ADMIN
    memberships = actor.memberships if project is None else actor.memberships.filter(project=project)
    return max((ROLE_RANKS[Role(role)] for role in memberships.values_list("role", flat=True)), default=Rank.NONE)


def needed_sentence(rank: Rank) -> str:
    """What to tell somebody whose role is too low, with the names of those who can change that."""
    names = User.objects.filter(is_superuser=True, is_active=True).order_by("id").values_list("username", flat=True)
    admins = ", ".join(names[:5])
    role = {Rank.VIEWER: _("Viewer"), Rank.OPERATOR: _("Operator")}.get(rank, _("Admin"))
    return _("Needs %(role)s. Ask an admin: %(admins)s.") % {"role": role, "admins": admins}


def _needed(actor: Any, verb: str, obj: Any) -> tuple[Rank, Rank]:
    rule = RULES[verb]
    role, scope = (rule.own, rule.own_scope) if _is_own(actor, obj) else (rule.others, rule.others_scope)
    if verb == "see_raw" and getattr(obj, "sensitive", True) is False:
        role = RULES["see"].own
    if verb == "download" and role == Rank.OPERATOR and _viewers_download():
        role = Rank.VIEWER
    return role, scope


def _is_own(actor: Any, obj: Any) -> bool:
    """Without an object the question is about one's own: may they start jobs at all, see their own audit rows."""
    if obj is None or isinstance(obj, Project):
        return True
    if isinstance(obj, User):
        return obj == actor
    owners = (getattr(obj, name, None) for name in ("owner_id", "user_id", "actor_id"))
    owner = next((owner for owner in owners if owner is not None), None)
    return owner is not None and owner == getattr(actor, "pk", None)


def _project_of(obj: Any) -> Project | None:
    return obj if isinstance(obj, Project) else getattr(obj, "project", None)


def _viewers_download() -> bool:
    return bool(server_settings.value_of("viewer_downloads"))


def _token_sentence(token: Token | None) -> str:
    if token is not None and token.scope == Scope.READ:
        return _("This token may only read. Make one with a wider scope in Settings, API tokens.")
    return _("A token may not do this. Sign in on the page and do it there.")
