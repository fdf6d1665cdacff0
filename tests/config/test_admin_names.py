"""The admin's lists are called by words that exist."""

from django.contrib import admin


def test_no_list_has_a_plural_that_is_no_word():
    wrong = [
        str(model._meta.verbose_name_plural)
        for model in admin.site._registry
        if str(model._meta.verbose_name_plural).endswith(("sss", "datas", "ys"))
    ]
    assert wrong == []
