# ruff: noqa: RUF001  # letters and digits of many scripts look alike, which is the point
"""Personal data are found in any script, however they are written, and what is nobody's is left alone."""

import string
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.memorization.patterns import KINDS, items_of

TEXTS = [
    ("write to Ann.Lee@mail.example.org.", {("e-mail address", "ann.lee@mail.example.org")}),
    ("на адрес иван@почта.рф пишут", {("e-mail address", "иван@почта.рф")}),
    ("ring +44 (0)20 7946 0000 now", {("phone number", "442079460000")}),
    ("ring 0044-20-7946-0000 now", {("phone number", "442079460000")}),
    ("rufen Sie +49 89/1234-5678", {("phone number", "498912345678"), ("rare name", "sie")}),
    ("اتصل ٠٨٧٠١٢٣٤٥٦٧", {("phone number", "08701234567")}),
    ("电话 ２０１２３４５６７８９", {("phone number", "20123456789")}),
    ("iban gb82 west 1234 5698 7654 32 ok", {("bank account", "GB82WEST12345698765432")}),
    ("card 4111 1111 1111 1111.", {("card number", "4111111111111111")}),
    ("ssn 123-45-6789", {("social security number", "123456789")}),
    ("your order AB12-99X is here", {("identifier", "ab12-99x")}),
    ("-AB1299X- and a-b-c-d-e-f-1-2 and 1234567890123456789", {("identifier", "ab1299x")}),
    ("ваш номер ЖК1234 готов", {("identifier", "жк1234")}),
    ("she met Zoltan, Łukasz and O’Brien", {("rare name", name) for name in ("zoltan", "łukasz", "o’brien")}),
    ("Hello there, it costs 12.50 in 2024", set()),
    ("covid-19, mp3-player and H2O are nobody", set()),
    ("born 3/12/1984 18 years ago, on 2024-01-15 at 10:30", set()),
    ("GB83 WEST 1234 is no account", set()),
    ("FREE MSG: Txt CALL to 80488", set()),
]


@pytest.mark.parametrize(("text", "found"), TEXTS)
def test_personal_data_are_found_by_their_patterns(text, found):
    assert items_of(text) == found


def test_every_kind_has_an_example():
    assert {kind for _, found in TEXTS for kind, _ in found} == set(KINDS)


digits = st.from_regex(r"[1-9][0-9]{8,11}", fullmatch=True)


@settings(deadline=None)
@given(
    digits, st.sampled_from(["٠١٢٣٤٥٦٧٨٩", "०१२३४५६७८९", string.digits]), st.sampled_from([" ", "-", ".", "\u2011", ""])
)
def test_a_phone_number_is_the_same_in_every_script_and_with_every_sign(number, script, sign):
    in_script = "".join(script[int(digit)] for digit in number)
    written = sign.join([in_script[:3], in_script[3:6], in_script[6:]])
    found = items_of(f"my number: +{written} thanks")
    assert found == {("phone number", number)}


@settings(deadline=None)
@given(st.text(st.characters(categories=["Ll"]), min_size=2, max_size=12))
def test_an_address_of_any_letters_is_found_in_its_one_way_of_writing(letters):
    name = unicodedata.normalize("NFKC", letters)
    if name.isalpha():
        address = f"{name}@{name}.org"
        assert ("e-mail address", address.casefold()) in items_of(f"write to {address} please")


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_text_can_be_read_and_stretches_are_claimed_once(text):
    for kind, item in items_of(text):
        assert kind in KINDS
        assert item


@settings(deadline=None)
@given(st.text(max_size=80))
def test_the_way_of_composing_letters_makes_no_difference(text):
    assert items_of(unicodedata.normalize("NFD", text)) == items_of(unicodedata.normalize("NFC", text))
