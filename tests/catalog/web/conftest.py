import pytest

from tests.accounts.factories import make_admin, make_user


@pytest.fixture
def root():
    return make_admin("root")


@pytest.fixture
def maria(client):
    user = make_user("maria")
    client.force_login(user)
    return user
