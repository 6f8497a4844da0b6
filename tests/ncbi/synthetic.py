"""PubMed records of real size and shape that nobody published: the same number gives the same record."""

from collections.abc import Iterator
from datetime import date, timedelta
from html import escape
from random import Random
from typing import Any

from tests.ncbi import words

FIRST_PMID = 90_000_001
HEAD = (
    b'<?xml version="1.0" ?>\n<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January 2025//EN" '
    b'"https://dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_250101.dtd">\n<PubmedArticleSet>\n'
)
TAIL = b"</PubmedArticleSet>\n"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_START = date(2005, 1, 1)


def corpus(n: int, seed: int = 1) -> Iterator[bytes]:
    """`n` articles one by one, oldest first, spread over twenty years; every fiftieth is retracted by the next."""
    for i in range(n):
        yield article_xml(FIRST_PMID + i, **corpus_facts(i, n, seed))


def corpus_facts(i: int, n: int, seed: int = 1) -> dict[str, Any]:
    """What is particular about record `i` of a corpus."""
    rng = Random(seed * 1_000_003 + i)
    facts: dict[str, Any] = {"seed": rng.getrandbits(32), "created": _START + timedelta(days=i * 7600 // n)}
    pmid = FIRST_PMID + i
    kind = words.COMMENT_KINDS[i // 4 % len(words.COMMENT_KINDS)]
    if i % 50 == 7 and i + 1 < n:
        facts["publication_types"] = [words.ARTICLE, words.RETRACTED]
        facts["comments"] = [("RetractionIn", f"Synth J Derm Biol. {2025}", pmid + 1, None)]
    elif i % 50 == 8:
        facts |= {"title": f"Retraction: a synthetic study ({pmid - 1}).", "abstract": []}
        facts["publication_types"] = [words.RETRACTION]
        facts["comments"] = [("RetractionOf", f"Synth J Derm Biol. {2024}", pmid - 1, None)]
    elif i % 4 == 1:
        other = FIRST_PMID + rng.randrange(n)
        facts["comments"] = [(kind, "Model Ann Skin Res. 2024;9:9", other if i % 8 == 1 else None, None)]
    if rng.random() < 0.15:
        facts["databanks"] = [("ClinicalTrials.gov", [f"NCT99{i:06d}"])]
    if rng.random() < 0.25:
        facts |= {"status": rng.choice(["Publisher", "In-Process", "PubMed-not-MEDLINE"]), "mesh": []}
    return _rarities(i) | facts


def _rarities(i: int) -> dict[str, Any]:
    """What one record in some dozens has."""
    rarities: dict[int, dict[str, Any]] = {
        3: {"authors": ["Synthetic Skin Study Group"]},
        13: {"pub_date": "<MedlineDate>2011 Sep-Oct</MedlineDate>"},
        23: {"pub_date": "<Year>2012</Year><Season>Winter</Season>"},
        33: {"abstract": []},
        43: {"abstract": [("", "", f"An unlabelled synthetic abstract with H<sub>2</sub>O, number {i}.")]},
        53: {"title": f"[A translated <i>synthetic</i> title {i}].", "vernacular": f"Un título sintético {i}."},
        63: {"version": 2, "other_abstract": f"Un resumen sintético, número {i}."},
        73: {"pubmed_data": False},
        83: {"authors": [], "coi": None, "keywords": []},
    }
    return rarities.get(i % 97, {})


def article_xml(pmid: int, **facts: Any) -> bytes:
    """One PubmedArticle. Each fact given replaces the invented one; None or an empty list leaves it out.

    title, abstract ([(label, category, text)]), authors ([dict] or a collective's name), journal (one of
    words.JOURNALS), created, revised, published (dates), pub_date (ready XML), language, publication_types
    ([(ui, name)]), mesh ([(ui, name, is_major, [(ui, name, is_major)])]), keywords, substances, grants,
    databanks ([(bank, [number])]), comments ([(kind, source, pmid, note)]), references (how many), status,
    version, doi, pmcid, other_ids ([(type, value)]), vernacular, other_abstract, coi, pubmed_data (False: none),
    seed. Text is XML already where it may hold markup: title, abstract, vernacular.
    """
    rng = Random(facts.get("seed", pmid))
    fact = _invented(pmid, rng, facts.get("created")) | facts
    pubmed_data = _pubmed_data(pmid, fact, rng) if fact["pubmed_data"] else ""
    status, revised = fact["status"], fact["revised"]
    method = ' IndexingMethod="Automated"' if status == "MEDLINE" else ""
    return (
        f'<PubmedArticle><MedlineCitation Status="{status}" Owner="NLM"{method}>'
        f'<PMID Version="{fact["version"]}">{pmid}</PMID>'
        f"{_date('DateCompleted', revised) if status == 'MEDLINE' else ''}{_date('DateRevised', revised)}"
        f"{_article(fact, rng)}{_medline(fact)}</MedlineCitation>{pubmed_data}</PubmedArticle>\n"
    ).encode()


def _invented(pmid: int, rng: Random, created: date | None) -> dict[str, Any]:
    pick = rng.choice
    design, types = pick(words.DESIGNS)
    product, condition = pick(words.PRODUCTS), pick(words.CONDITIONS)
    created = created or _START + timedelta(days=pmid * 7 % 7600)
    return {
        "title": f"{design} {product} for {condition} by {pick(words.DELIVERIES)} (synthetic record {pmid}).",
        "abstract": _abstract(product, condition, rng),
        "authors": [_author(rng) for _ in range(rng.randint(3, 8))],
        "journal": pick(words.JOURNALS),
        "created": created,
        "revised": created + timedelta(days=30),
        "published": None,
        "pub_date": None,
        "language": "eng",
        "publication_types": list(types),
        "mesh": _mesh(rng, is_animal="animals" in design),
        "keywords": [product, condition, pick(words.OUTCOMES), "synthetic record"],
        "substances": [("9007-34-5", "D003094", "Collagen"), ("0", "D053657", "Synthetic Growth Factor")],
        "grants": [(f"SYN-{rng.randrange(9999):04d}", "Fictive Research Council", "Utopia")],
        "databanks": [],
        "comments": [],
        "references": rng.randint(12, 28),
        "status": "MEDLINE",
        "version": 1,
        "doi": f"10.5555/synthetic.{pmid}",
        "pmcid": f"PMC{pmid}" if pmid % 3 == 0 else None,
        "other_ids": [("pii", f"S9990-{pmid}")],
        "vernacular": None,
        "other_abstract": None,
        "coi": "The invented authors declare no competing interest.",
        "pubmed_data": True,
    }


def _abstract(product: str, condition: str, rng: Random) -> list[tuple[str, str, str]]:
    outcome, outcome2 = rng.sample(words.OUTCOMES, 2)
    gene, gene2 = rng.sample(words.GENES, 2)
    number = rng.gauss
    slots = {"product": product, "condition": condition, "outcome": outcome, "outcome2": outcome2}
    slots |= {"gene": gene, "gene2": gene2, "delivery": rng.choice(words.DELIVERIES)}
    slots |= {"comparator": rng.choice(words.COMPARATORS), "weeks": rng.choice([4, 8, 12, 24, 52])}
    slots |= {"n": rng.randint(8, 180), "n2": rng.randint(1, 9), "n3": rng.randint(1, 9), "p": rng.randint(1, 9)}
    slots |= {"cells": rng.randint(1, 20), "a": number(2, 1), "b": 0.2 + rng.random(), "c": number(0.5, 1)}
    slots |= {"d": number(1, 1), "e": number(0, 0.2), "f": number(2, 0.2), "g": 1 + 3 * rng.random()}
    return [
        (
            category,
            category,
            " ".join(sentence.format(**slots) for sentence in sentences),
        )
        for category, sentences in words.SENTENCES.items()
    ]


def _author(rng: Random) -> dict[str, str]:
    fore = rng.choice(words.FIRST_NAMES)
    author = {"last": rng.choice(words.LAST_NAMES), "fore": fore, "affiliation": rng.choice(words.INSTITUTES)}
    if rng.random() < 0.4:
        author["orcid"] = orcid(rng.randrange(10**6))
    return author


def orcid(number: int) -> str:
    """An ORCID with a right check digit, in a range that is ours."""
    digits = f"000000099{number:06d}"
    total = 0
    for digit in digits:
        total = (total + int(digit)) * 2
    check = (12 - total % 11) % 11
    whole = digits + ("X" if check == 10 else str(check))
    return "-".join(whole[i : i + 4] for i in range(0, 16, 4))


def _mesh(rng: Random, *, is_animal: bool) -> list[tuple[str, str, bool, list[tuple[str, str, bool]]]]:
    headings = []
    for ui, name in rng.sample(words.DESCRIPTORS, 8):
        chosen = rng.sample(words.QUALIFIERS, rng.randrange(3))
        headings.append((ui, name, rng.random() < 0.2, [(q, text, rng.random() < 0.4) for q, text in chosen]))
    tags = words.ANIMAL_TAGS if is_animal else words.HUMAN_TAGS
    return headings + [(ui, name, False, []) for ui, name in tags]


def _article(fact: dict[str, Any], rng: Random) -> str:
    title, abbreviation, issn, _ = fact["journal"]
    published = fact["published"] or fact["created"]
    pub_date = fact["pub_date"] or (
        f"<Year>{published.year}</Year><Month>{_MONTHS[published.month - 1]}</Month><Day>{published.day:02d}</Day>"
    )
    first_page = rng.randint(1, 900)
    doi = f'<ELocationID EIdType="doi" ValidYN="Y">{escape(fact["doi"])}</ELocationID>' if fact["doi"] else ""
    copyright_ = "<CopyrightInformation>Nobody: synthetic record.</CopyrightInformation>"
    abstract = f"<Abstract>{_sections(fact['abstract'])}{copyright_}</Abstract>" if fact["abstract"] else ""
    types = "".join(f'<PublicationType UI="{ui}">{name}</PublicationType>' for ui, name in fact["publication_types"])
    vernacular = f"<VernacularTitle>{fact['vernacular']}</VernacularTitle>" if fact["vernacular"] else ""
    return (
        f'<Article PubModel="Print-Electronic"><Journal><ISSN IssnType="Electronic">{issn}</ISSN>'
        f'<JournalIssue CitedMedium="Internet"><Volume>{published.year - 1990}</Volume>'
        f"<Issue>{published.month}</Issue><PubDate>{pub_date}</PubDate></JournalIssue>"
        f"<Title>{title}</Title><ISOAbbreviation>{abbreviation}</ISOAbbreviation></Journal>"
        f"<ArticleTitle>{fact['title']}</ArticleTitle>"
        f"<Pagination><StartPage>{first_page}</StartPage><EndPage>{first_page + 9}</EndPage>"
        f"<MedlinePgn>{first_page}-{(first_page + 9) % 1000}</MedlinePgn></Pagination>{doi}{abstract}"
        f"{_authors(fact['authors'])}<Language>{fact['language']}</Language>{_databanks(fact['databanks'])}"
        f"{_grants(fact['grants'])}<PublicationTypeList>{types}</PublicationTypeList>{vernacular}"
        f'<ArticleDate DateType="Electronic">{_day(published)}</ArticleDate></Article>'
        f"<MedlineJournalInfo><Country>Utopia</Country><MedlineTA>{abbreviation}</MedlineTA>"
        f"<NlmUniqueID>{fact['journal'][3]}</NlmUniqueID><ISSNLinking>{issn}</ISSNLinking></MedlineJournalInfo>"
    )


def _sections(abstract: list[tuple[str, str, str]]) -> str:
    return "".join(
        f'<AbstractText Label="{escape(label)}" NlmCategory="{category}">{text}</AbstractText>'
        if label
        else f"<AbstractText>{text}</AbstractText>"
        for label, category, text in abstract
    )


def _authors(authors: list[Any]) -> str:
    parts = []
    for author in authors:
        if isinstance(author, str):
            parts.append(f'<Author ValidYN="Y"><CollectiveName>{escape(author)}</CollectiveName></Author>')
            continue
        initials = "".join(name[0] for name in author["fore"].split())
        identifier = f'<Identifier Source="ORCID">{author["orcid"]}</Identifier>' if "orcid" in author else ""
        parts.append(
            f'<Author ValidYN="{author.get("valid", "Y")}"><LastName>{escape(author["last"])}</LastName>'
            f"<ForeName>{author['fore']}</ForeName><Initials>{initials}</Initials>{identifier}"
            f"<AffiliationInfo><Affiliation>{escape(author['affiliation'])}.</Affiliation></AffiliationInfo></Author>"
        )
    return f'<AuthorList CompleteYN="Y">{"".join(parts)}</AuthorList>' if parts else ""


def _databanks(databanks: list[tuple[str, list[str]]]) -> str:
    banks = "".join(
        f"<DataBank><DataBankName>{bank}</DataBankName><AccessionNumberList>"
        + "".join(f"<AccessionNumber>{number}</AccessionNumber>" for number in numbers)
        + "</AccessionNumberList></DataBank>"
        for bank, numbers in databanks
    )
    return f'<DataBankList CompleteYN="Y">{banks}</DataBankList>' if banks else ""


def _grants(grants: list[tuple[str, str, str]]) -> str:
    parts = "".join(
        f"<Grant><GrantID>{number}</GrantID><Agency>{agency}</Agency><Country>{country}</Country></Grant>"
        for number, agency, country in grants
    )
    return f'<GrantList CompleteYN="Y">{parts}</GrantList>' if parts else ""


def _medline(fact: dict[str, Any]) -> str:
    """What follows MedlineJournalInfo, in the DTD's order."""
    chemicals = "".join(
        f'<Chemical><RegistryNumber>{number}</RegistryNumber><NameOfSubstance UI="{ui}">{name}</NameOfSubstance>'
        "</Chemical>"
        for number, ui, name in fact["substances"]
    )
    keywords = "".join(f'<Keyword MajorTopicYN="N">{word}</Keyword>' for word in fact["keywords"])
    other = fact["other_abstract"]
    parts = [
        f"<ChemicalList>{chemicals}</ChemicalList>" if chemicals else "",
        "<CitationSubset>IM</CitationSubset>" if fact["status"] == "MEDLINE" else "",
        _comments(fact["comments"]),
        _headings(fact["mesh"]),
        f'<OtherAbstract Type="Publisher" Language="spa"><AbstractText>{other}</AbstractText></OtherAbstract>'
        if other
        else "",
        f'<KeywordList Owner="NOTNLM">{keywords}</KeywordList>' if keywords else "",
        f"<CoiStatement>{fact['coi']}</CoiStatement>" if fact["coi"] else "",
    ]
    return "".join(parts)


def _comments(comments: list[tuple[str, str, int | None, str | None]]) -> str:
    parts = "".join(
        f'<CommentsCorrections RefType="{kind}"><RefSource>{escape(source)}</RefSource>'
        + (f'<PMID Version="1">{pmid}</PMID>' if pmid else "")
        + (f"<Note>{escape(note)}</Note>" if note else "")
        + "</CommentsCorrections>"
        for kind, source, pmid, note in comments
    )
    return f"<CommentsCorrectionsList>{parts}</CommentsCorrectionsList>" if parts else ""


def _headings(mesh: list[tuple[str, str, bool, list[tuple[str, str, bool]]]]) -> str:
    parts = "".join(
        f'<MeshHeading><DescriptorName UI="{ui}" MajorTopicYN="{_yes(is_major)}">{name}</DescriptorName>'
        + "".join(f'<QualifierName UI="{q}" MajorTopicYN="{_yes(m)}">{text}</QualifierName>' for q, text, m in below)
        + "</MeshHeading>"
        for ui, name, is_major, below in mesh
    )
    return f"<MeshHeadingList>{parts}</MeshHeadingList>" if parts else ""


def _pubmed_data(pmid: int, fact: dict[str, Any], rng: Random) -> str:
    created: date = fact["created"]
    history = "".join(
        f'<PubMedPubDate PubStatus="{status}">{_day(day)}<Hour>6</Hour><Minute>0</Minute></PubMedPubDate>'
        for status, day in (
            ("received", created - timedelta(days=120)),
            ("accepted", created - timedelta(days=20)),
            ("medline", fact["revised"] or created),
            ("pubmed", fact.get("entrez", created)),  # EDAT
            ("entrez", created),  # CRDT
        )
    )
    ids = [("pubmed", str(pmid)), ("doi", fact["doi"]), ("pmc", fact["pmcid"]), *fact["other_ids"]]
    article_ids = "".join(f'<ArticleId IdType="{kind}">{escape(value)}</ArticleId>' for kind, value in ids if value)
    return (
        f"<PubmedData><History>{history}</History><PublicationStatus>ppublish</PublicationStatus>"
        f"<ArticleIdList>{article_ids}</ArticleIdList>{_references(fact['references'], rng)}</PubmedData>"
    )


def _references(n: int, rng: Random) -> str:
    parts = []
    for number in range(1, n + 1):
        pmid = 80_000_000 + rng.randrange(10**6)
        _, abbreviation, _, _ = words.JOURNALS[number % len(words.JOURNALS)]
        parts.append(
            f"<Reference><Citation>{number}. {words.LAST_NAMES[number % 24]} A, {words.LAST_NAMES[pmid % 24]} B. "
            f"An invented earlier study of {words.PRODUCTS[pmid % 10]}. {abbreviation}. {1990 + pmid % 35};{number}:"
            f'{pmid % 997}.</Citation><ArticleIdList><ArticleId IdType="pubmed">{pmid}</ArticleId></ArticleIdList>'
            "</Reference>"
        )
    return f"<ReferenceList>{''.join(parts)}</ReferenceList>" if parts else ""


def _date(tag: str, day: date | None) -> str:
    return f"<{tag}>{_day(day)}</{tag}>" if day else ""


def _day(day: date) -> str:
    return f"<Year>{day.year}</Year><Month>{day.month:02d}</Month><Day>{day.day:02d}</Day>"


def _yes(flag: bool) -> str:
    return "Y" if flag else "N"
