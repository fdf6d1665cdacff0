"""Drafts: kept, found by their owner only, and not overwritten unseen."""

import pytest

from accounts import drafts
from accounts.models import Project
from tests.accounts.factories import make_user

pytestmark = pytest.mark.django_db


def test_a_draft_is_found_by_its_owner_only():
    maria, other = make_user("maria"), make_user("other")
    draft = drafts.keep(maria, Project.default(), "job", {"body": {"name": "x"}})
    assert drafts.find(maria, "job", draft.pk).data == {"body": {"name": "x"}}
    assert drafts.find(other, "job", draft.pk) is None
    assert drafts.find(maria, "dataset", draft.pk) is None


def test_saving_over_what_another_tab_saved_is_refused():
    maria = make_user("maria")
    draft = drafts.keep(maria, Project.default(), "job", {"n": 1})
    seen = drafts.stamp(draft.updated_at)
    drafts.keep(maria, Project.default(), "job", {"n": 2}, draft=drafts.find(maria, "job", draft.pk), seen=seen)
    with pytest.raises(drafts.ChangedMeanwhile):
        drafts.keep(maria, Project.default(), "job", {"n": 3}, draft=drafts.find(maria, "job", draft.pk), seen=seen)
    assert drafts.find(maria, "job", draft.pk).data == {"n": 2}
