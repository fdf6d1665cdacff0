"""People, projects and tokens for tests."""

from accounts import services
from accounts.models import Membership, Project, Token, User


def make_user(username: str = "maria", role: str = "operator", *, password: str = "", project: Project | None = None):
    """A person with a role in the default project (or `project`): viewer, operator, admin, or "" for none."""
    user = User.objects.create_user(username, password=password or None)
    if role:
        services.give_role(user, role, project=project)
    return user


def make_admin(username: str = "ada", **more) -> User:
    return make_user(username, "admin", **more)


def make_project(slug: str = "vision", *members: User, role: str = "operator") -> Project:
    project = Project.objects.create(slug=slug, name=slug.title())
    for member in members:
        Membership.objects.create(user=member, project=project, role=role)
    return project


def make_token(user: User, scope: str = "run", **more) -> str:
    """The text of a fresh token; give it to a client as `Authorization: Bearer <text>`."""
    return services.make_token(user, "test", scope, **more)


def token_row(text: str) -> Token:
    from accounts import secret_text

    return Token.objects.get(digest=secret_text.digest(text))


def bearer(text: str) -> dict[str, str]:
    """Headers for the test client."""
    return {"Authorization": f"Bearer {text}"}
