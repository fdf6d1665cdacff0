"""Recipes that are kept under a name: made, renamed, forgotten. Jobs and prepared data hold the steps, not the name."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import IntegrityError, transaction

from accounts import audit
from accounts import project as projects
from accounts.models import Project, User
from catalog import names
from catalog.models import KeptRecipe
from catalog.services.preparing import keep_recipe
from contract.problems import Invalid, Problem, gettext_noop


@transaction.atomic
def keep(
    actor: User,
    name: Any,
    steps: Any,
    *,
    kind: str = "",
    project: Project | None = None,
    via: str,
    address: str | None = None,
) -> KeptRecipe:
    """Keep `steps` under `name`, which nobody in the project uses yet. `kind`: of the data they are meant for, "" when
    that is not said. Raises Invalid."""
    recipe = keep_recipe(steps, "steps", kind)
    called, project = names.checked(name), project or projects.current(actor)
    with _only_one():
        kept = KeptRecipe.objects.create(project=project, owner=actor, name=called, recipe=recipe)
    audit.record(actor, "kept", kept, via=via, after={"name": called, "recipe": recipe.hash}, address=address)
    return kept


@transaction.atomic
def rename(kept: KeptRecipe, name: Any, actor: User, *, via: str, address: str | None = None) -> None:
    """The steps stay. Raises Invalid."""
    before, called = {"name": kept.name}, names.checked(name)
    if called == kept.name:
        return
    with _only_one():
        KeptRecipe.objects.filter(pk=kept.pk).update(name=called)
    kept.name = called
    audit.record(actor, "renamed", kept, via=via, before=before, after={"name": called}, address=address)


@transaction.atomic
def forget(kept: KeptRecipe, actor: User, *, via: str, address: str | None = None) -> None:
    """The name goes; what was prepared or trained with its steps stays as it is."""
    audit.record(actor, "removed", kept, via=via, before={"name": kept.name}, address=address)
    kept.delete()


@contextmanager
def _only_one() -> Iterator[None]:
    """A name that the project has already is refused with its sentence."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        sentence = gettext_noop("There is a recipe of this name. Choose another name, or remove that one first.")
        raise Invalid([Problem("name", sentence)]) from error
