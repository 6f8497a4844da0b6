"""Identifiers: recognised whole, normalised, never guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies import identifiers
from studies.identifiers import RegistryId
from studies.terms import Registry


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("123", 123),
        (" 123456789 ", 123456789),
        ("PMID: 42", 42),
        ("pmid42", 42),
        ("0", None),
        ("0123", None),
        ("1234567890", None),
        ("12a", None),
        ("", None),
        ("PMC12", None),
        ("１２３", None),
        ("²", None),
    ],
)
def test_a_pmid_is_a_whole_number_of_at_most_nine_digits(text: str, number: int | None) -> None:
    assert identifiers.pmid(text) == number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("PMC123", "PMC123"),
        ("pmc123.2", "PMC123"),
        ("PMCID: PMC00123", "PMC123"),
        ("PMC 12", "PMC12"),
        ("123", ""),
        ("PMC0", ""),
        ("PMC12x", ""),
    ],
)
def test_a_pmcid_needs_its_letters(text: str, number: str) -> None:
    assert identifiers.pmcid(text) == number


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("10.5555/ABC.", "10.5555/abc"),
        ("https://doi.org/10.5555/abc", "10.5555/abc"),
        ("http://dx.doi.org/10.5555/abc", "10.5555/abc"),
        ("www.doi.org/10.5555/abc", "10.5555/abc"),
        ("doi: 10.5555/abc;", "10.5555/abc"),
        ("doi:https://doi.org/10.5555/abc", "10.5555/abc"),
        ("https://doi.org/10.5555%2Fabc", "10.5555/abc"),
        ("10.5555/a%2Fb", "10.5555/a%2fb"),
        ("10.5555/abc)", "10.5555/abc"),
        ("10.5555/a(b)c(1)", "10.5555/a(b)c(1)"),
        ("10.5555/(SICI)1097(19980815)17:15<1::AID>3.0.CO;2-2", "10.5555/(sici)1097(19980815)17:15<1::aid>3.0.co;2-2"),
        ("10.1/abc", ""),
        ("10.5555/", ""),
        ("10.5555/a b", ""),
        ("see 10.5555/abc", ""),
        ("10.5555/" + "a" * 400, ""),
    ],
)
def test_a_doi_loses_its_resolver_and_closing_punctuation(text: str, name: str) -> None:
    assert identifiers.doi(text) == name


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0000-0002-1825-0097", "0000-0002-1825-0097"),
        ("0000000218250097", "0000-0002-1825-0097"),
        ("http://orcid.org/0000-0002-1825-0097", "0000-0002-1825-0097"),
        ("https://orcid.org/0000-0002-1694-233x", "0000-0002-1694-233X"),
        ("0000-0002-1825-0098", ""),
        ("90000000218250097", ""),
        ("", ""),
    ],
)
def test_an_orcid_needs_the_right_check_digit(text: str, number: str) -> None:
    assert identifiers.orcid(text) == number


NUMBERS = [
    ("NCT01234567", "NCT", "NCT01234567"),
    ("NCT 01234567", "NCT", "NCT01234567"),
    ("nct-01234567", "NCT", "NCT01234567"),
    ("NCT: 01234567", "NCT", "NCT01234567"),
    ("ISRCTN12345678", "ISRCTN", "ISRCTN12345678"),
    ("ACTRN12605000123456", "ACTRN", "ACTRN12605000123456"),
    ("DRKS00001234", "DRKS", "DRKS00001234"),
    ("CTRI/2019/05/019123", "CTRI", "CTRI/2019/05/019123"),
    ("CTRI/2009/091/000123", "CTRI", "CTRI/2009/091/000123"),
    ("PACTR201901234567890", "PACTR", "PACTR201901234567890"),
    ("RPCEC00000123", "RPCEC", "RPCEC00000123"),
    ("TCTR20190101001", "TCTR", "TCTR20190101001"),
    ("SLCTR/2019/012", "SLCTR", "SLCTR/2019/012"),
    ("ITMCTR2020000123", "ITMCTR", "ITMCTR2020000123"),
    ("UMIN000012345", "UMIN", "UMIN000012345"),
    ("UMIN-CTR000012345", "UMIN", "UMIN000012345"),
    ("jRCT1234567890", "jRCT", "jRCT1234567890"),
    ("JRCTS031190123", "jRCT", "jRCTs031190123"),
    ("RBR-5abc12", "RBR", "RBR-5abc12"),
    ("RBR5ABC12", "RBR", "RBR-5abc12"),
    ("IRCT20190101012345N1", "IRCT", "IRCT20190101012345N1"),
    ("ChiCTR1900012345", "ChiCTR", "ChiCTR1900012345"),
    ("ChiCTR 1900012345", "ChiCTR", "ChiCTR1900012345"),
    ("chictr-trc-12001234", "ChiCTR", "ChiCTR-TRC-12001234"),
    ("2022-501234-12-00", "CTIS", "2022-501234-12-00"),
    ("2015-001234-12", "EudraCT", "2015-001234-12"),
    ("EUCTR2015-001234-12", "EudraCT", "2015-001234-12"),
]


@pytest.mark.parametrize(("text", "registry", "number"), NUMBERS)
def test_a_registration_is_written_as_its_registry_writes_it(text: str, registry: str, number: str) -> None:
    assert identifiers.registry_id(text) == RegistryId(registry, number)
    assert Registry(registry)


@pytest.mark.parametrize(("text", "registry", "number"), NUMBERS)
def test_a_registration_is_found_within_a_sentence_with_its_place(text: str, registry: str, number: str) -> None:
    sentence = f"Registered ({text}), see there."

    ((found, start, end),) = identifiers.registry_ids(sentence)

    assert (found, sentence[start:end]) == (RegistryId(registry, number), text)


@pytest.mark.parametrize(("text", "_registry", "_number"), NUMBERS)
def test_neighbouring_letters_and_digits_forbid_a_hit(text: str, _registry: str, _number: str) -> None:
    assert RegistryId(_registry, _number) not in [found for found, *_ in identifiers.registry_ids(f"x{text}")]
    assert list(identifiers.registry_ids(f"{text}_9".replace("_", "99999999999"))) == []


def test_every_registry_has_a_pattern_and_an_address() -> None:
    seen = {registry for _, registry, _ in NUMBERS}

    assert seen == set(Registry.values)
    assert all(identifiers.registry_id(text).url.startswith("https://") for text, *_ in NUMBERS)


@pytest.mark.parametrize(
    "text",
    [
        "NCT0123456",
        "NCT012345678",
        "RBR-control",
        "ChiCTR",
        "ChiCTRs are listed",
        "ChiCTR-controlled",
        "IRCTregistered",
        "an IRCT of participants",
        "tel. 0044-207946-12",
        "2019-000123-45-6",
        "12-2019-123456-12",
        "2022-501234-12-00-1",
        "R01-AR123456",
        "arbreviated",
    ],
)
def test_words_and_other_numbers_are_no_registrations(text: str) -> None:
    assert list(identifiers.registry_ids(text)) == []


def test_two_registrations_side_by_side_are_both_found() -> None:
    found = [item.number for item, *_ in identifiers.registry_ids("NCT01234567/NCT07654321 and 2015-001234-12")]

    assert found == ["NCT01234567", "NCT07654321", "2015-001234-12"]


@given(st.text(alphabet="NCTRBIchiDsAUMjPEL0129-/ .:", max_size=80))
def test_what_is_found_reads_the_same_when_read_again(text: str) -> None:
    for found, start, end in identifiers.registry_ids(text):
        assert 0 <= start < end <= len(text)
        assert identifiers.registry_id(found.number) == found
