"""The text of a filter bar, and what its chips make of it."""

from accounts import filter_text

NAMES = ("state", "host")


def test_terms_and_words_are_told_apart():
    query = filter_text.parse('state:failed big host:"two words" state:running', NAMES)
    assert query.many("state") == ["failed", "running"]
    assert query.one("host") == "two words"
    assert query.words == ["big"]


def test_a_name_that_the_list_does_not_know_is_reported_and_filters_nothing():
    query = filter_text.parse("colour:red http://x", NAMES)
    assert query.unknown == ["colour", "http"]
    assert query.words == []


def test_a_chip_puts_its_term_in_and_takes_it_out_again():
    on = filter_text.toggled("big", "state", "failed")
    assert on == "big state:failed"
    assert filter_text.toggled(on, "state", "failed") == "big"


def test_a_value_of_several_words_survives_a_chip():
    on = filter_text.toggled("", "host", "two words")
    assert filter_text.parse(on, NAMES).one("host") == "two words"
    assert filter_text.toggled(f"{on} big", "state", "failed") == 'host:"two words" big state:failed'


def test_a_very_long_text_is_cut():
    assert len(filter_text.parse("x" * 9000, NAMES).words[0]) == 400
