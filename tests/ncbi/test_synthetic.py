"""The synthetic records are what NCBI's DTD says a record is, as large as a real one, and always the same."""

from pathlib import Path

from Bio import Entrez as bio
from lxml import etree

from tests.ncbi.shelf import Shelf
from tests.ncbi.synthetic import HEAD, TAIL, article_xml, corpus
from tests.ncbi.words import COMMENT_KINDS

DTD = Path(bio.__file__).parent / "DTDs" / "pubmed_250101.dtd"


def test_a_corpus_is_valid_and_holds_every_kind_of_comment():
    root = etree.fromstring(HEAD + b"".join(corpus(200)) + TAIL)

    dtd = etree.DTD(str(DTD))
    assert dtd.validate(root), dtd.error_log
    kinds = {comment.get("RefType") for comment in root.iter("CommentsCorrections")}
    assert kinds == {*COMMENT_KINDS, "RetractionIn", "RetractionOf"}


def test_a_corpus_is_the_same_each_time_and_another_with_another_seed():
    assert list(corpus(20)) == list(corpus(20))
    assert list(corpus(20)) != list(corpus(20, seed=2))


def test_records_are_about_as_large_as_real_ones():
    sizes = [len(article) for article in corpus(100)]

    assert 11_000 < sum(sizes) / len(sizes) < 14_000


def test_a_record_added_again_replaces_the_first():
    shelf = Shelf([article_xml(1), article_xml(2)])

    shelf.add(article_xml(1, title="Another title."))

    (article,) = shelf.xml([1, 1, 3])
    assert b"Another title." in article
    assert len(shelf.entries) == 2
    shelf.close()
