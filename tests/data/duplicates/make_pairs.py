"""Writes `pairs.json`, the labelled pairs of records that de-duplication is measured on: `python make_pairs.py`.

Everything is invented: no record of a source is in it. It was written before the rules had thresholds; see README.md.
"""

import json
import random
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

SEED = 1847
Record = dict[str, Any]
Change = Callable[[Record, random.Random], None]

CELLS = (
    ("adipose-derived stem cells", "adipose-derived stromal cells"),
    ("stromal vascular fraction", "stromal vascular fraction cells"),
    ("umbilical cord mesenchymal stem cells", "Wharton's jelly mesenchymal stem cells"),
    ("bone marrow mesenchymal stromal cells", "autologous bone marrow cells"),
    ("amniotic membrane stem cell conditioned medium", "amniotic stem cell conditioned medium"),
    ("nanofat", "microfat"),
    ("exosomes of adipose stem cells", "extracellular vesicles of adipose stem cells"),
    ("cultured autologous fibroblasts", "cultured dermal fibroblasts"),
)
SITES = (
    ("periorbital wrinkles", "perioral wrinkles"),
    ("facial photoaging", "photoaging of the hands"),
    ("nasolabial folds", "nasojugal folds"),
    ("facial skin ageing", "neck skin ageing"),
    ("atrophic acne scars", "hypertrophic scars"),
    ("facial pigmentation", "facial pores"),
)
DESIGNS = (
    "a randomised, double-blind, split-face trial",
    "a prospective single-arm study",
    "a randomised controlled trial",
    "a case series",
    "a pilot study",
    "a retrospective analysis",
)
SHAPES = (
    "{cell} for {site}: {design}",
    "Effect of {cell} on {site}: {design}",
    "Safety and efficacy of {cell} in {site}",
    "Rejuvenation of {site} with {cell} - {design}",
    "Intradermal injection of {cell} improves {site}",
    "TGF-β signalling and {cell} in the treatment of {site}",
    "Combination of fractional laser and {cell} in the treatment of {site}: {design}",
)
PEOPLE = (
    ("Müller", "Jörg Andreas"),
    ("García-López", "María José"),
    ("Kim", "Ji-Hoon"),
    ("Wang", "Xiaoming"),
    ("O'Connor", "Siobhán"),
    ("van der Berg", "Pieter"),
    ("Şahin", "Ayşe"),
    ("Nguyen", "Thi Lan Anh"),
    ("Svensson", "Åsa"),
    ("Rossi", "Gian Luca"),
    ("Tanaka", "Hiroshi"),
    ("Smith", "Robert J"),
    ("Smith", "Rachel"),
    ("Zhou", "Yu"),
    ("Zhou", "Yan"),
    ("Almeida", "João Pedro"),
    ("Ivanova", "Elena V"),
    ("Haddad", "Nour"),
    ("Park", "Seo Yeon"),
    ("Lee", "Min Ho"),
    ("Dvořák", "Tomáš"),
    ("Brown", "Alice M"),
    ("Okafor", "Chidi"),
)
JOURNALS = (
    ("Journal of Invented Dermatology", "J Invent Dermatol"),
    ("Annals of Imagined Plastic Surgery", "Ann Imagin Plast Surg"),
    ("Stem Cells and Fictional Medicine", "Stem Cells Fict Med"),
    ("The Supposed Archives of Facial Surgery", "Suppos Arch Facial Surg"),
    ("International Journal of Made-up Cosmetic Science", "Int J Made Up Cosmet Sci"),
    ("Hypothetical Cell Transplantation", "Hypothet Cell Transplant"),
)
FINDINGS = (
    "Wrinkle depth fell by {n} % at week {w}", "Elasticity rose from 0.{n} to 0.6{w}",
    "No serious adverse event was seen", "{n} of {w} participants called themselves satisfied",
    "Dermal thickness grew by {n} micrometres",
    "Transepidermal water loss did not change", "Two assessors, unaware of the side, scored the photographs",
    "Pain faded within {w} hours", "Histology of {w} biopsies showed more collagen and elastin",
)  # fmt: skip
GREEK = {"β": "beta", "α": "alpha", "γ": "gamma"}
US = (("ageing", "aging"), ("randomised", "randomized"), ("tumour", "tumor"), ("signalling", "signaling"))


def base(rng: random.Random) -> Record:
    """One invented record with everything a good source gives."""
    cell, site = rng.choice(CELLS)[0], rng.choice(SITES)[0]
    design = rng.choice(DESIGNS)
    title = rng.choice(SHAPES).format(cell=cell, site=site, design=design)
    first = rng.randint(11, 1900)
    return {
        "title": title[0].upper() + title[1:],
        "abstract": abstract(rng, cell, site),
        "authors": [f"{last}, {fore}" for last, fore in rng.sample(PEOPLE, rng.randint(2, 7))],
        "journal": rng.choice(JOURNALS)[0],
        "year": rng.randint(2004, 2026),
        "volume": str(rng.randint(2, 60)),
        "issue": str(rng.randint(1, 12)),
        "pages": f"{first}-{first + rng.randint(4, 14)}",
        "doi": f"10.{rng.randint(5000, 9999)}/invented.{rng.randint(10000, 99999)}",
        "pmid": None,
        "kind": "article",
        "registrations": [],
    }


def abstract(rng: random.Random, cell: str, site: str) -> str:
    said = rng.sample(FINDINGS, rng.randint(4, 7))
    body = ". ".join(line.format(n=rng.randint(11, 49), w=rng.randint(4, 40)) for line in said)
    n = rng.randint(8, 140)
    return (
        f"Background: {cell} are offered to people with {site}, yet little is known. Methods: {n} people were treated "
        f"and followed for {rng.randint(3, 24)} months. Results: {body}. "
        f"Conclusions: {cell} may change {site} a little."
    )


def plain(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


# --- what another source does to the same document ---


def initials_only(r: Record, rng: random.Random) -> None:
    named = [name.split(", ") for name in r["authors"]]
    r["authors"] = [f"{last} {''.join(part[0] for part in re.split('[ -]', fore))}" for last, fore in named]


def without_accents(r: Record, rng: random.Random) -> None:
    r["authors"] = [plain(a) for a in r["authors"]]


def first_author_only(r: Record, rng: random.Random) -> None:
    r["authors"] = r["authors"][:1]


def swapped_names(r: Record, rng: random.Random) -> None:
    r["authors"] = [", ".join(reversed(a.split(", "))) for a in r["authors"]]


def no_authors(r: Record, rng: random.Random) -> None:
    r["authors"] = rng.choice(([], ["Anonymous"]))


def capitals(r: Record, rng: random.Random) -> None:
    r["title"] = r["title"].upper()


def spelt_out_greek(r: Record, rng: random.Random) -> None:
    for letter, word in GREEK.items():
        r["title"] = r["title"].replace(letter, word)
    for british, american in US:
        r["title"] = r["title"].replace(british, american)


def no_subtitle(r: Record, rng: random.Random) -> None:
    r["title"] = re.split(r": | - ", r["title"])[0]


def title_slips(r: Record, rng: random.Random) -> None:
    letters = list(r["title"])
    for _ in range(2):
        at = rng.randrange(4, len(letters) - 1)
        letters[at], letters[at + 1] = letters[at + 1], letters[at]
    r["title"] = "".join(letters)


def title_marks(r: Record, rng: random.Random) -> None:
    r["title"] = rng.choice(("[{}]", "{}.", "<i>{}</i>", "{} [Article in Korean]")).format(r["title"].replace("-", " "))


def journal_short(r: Record, rng: random.Random) -> None:
    r["journal"] = dict(JOURNALS).get(r["journal"], r["journal"])


def short_pages(r: Record, rng: random.Random) -> None:
    first, _, last = r["pages"].partition("-")
    differing = [i for i, (x, y) in enumerate(zip(first, last, strict=False)) if x != y]
    same = differing[0] if differing and len(first) == len(last) else 0
    r["pages"] = f"pp. {first}-{last[same:]}"


def no_pages(r: Record, rng: random.Random) -> None:
    r["pages"] = r["issue"] = ""


def ahead_of_print(r: Record, rng: random.Random) -> None:
    r["year"] -= 1
    r["volume"] = r["issue"] = r["pages"] = ""


def no_doi(r: Record, rng: random.Random) -> None:
    r["doi"] = ""


def doi_as_link(r: Record, rng: random.Random) -> None:
    r["doi"] = rng.choice(("https://doi.org/", "http://dx.doi.org/", "doi: ")) + r["doi"].upper()


def no_abstract(r: Record, rng: random.Random) -> None:
    r["abstract"] = ""


def cut_abstract(r: Record, rng: random.Random) -> None:
    r["abstract"] = r["abstract"][: rng.randint(120, 260)] + "..."


def unlabelled_abstract(r: Record, rng: random.Random) -> None:
    r["abstract"] = re.sub(r"(Background|Methods|Results|Conclusions): ", "", r["abstract"])


def copyright_line(r: Record, rng: random.Random) -> None:
    r["abstract"] += f" (c) {r['year']} The Authors. Published by an invented house. All rights reserved."


SAME: dict[str, tuple[Change, ...]] = {
    "resolver's address before the DOI": (doi_as_link, journal_short, initials_only),
    "DOI, subtitle lost": (doi_as_link, no_subtitle, first_author_only),
    "DOI, no abstract, ahead of print": (doi_as_link, ahead_of_print, no_abstract),
    "no DOI, initials and short journal": (no_doi, initials_only, journal_short, unlabelled_abstract),
    "no DOI, accents lost, capitals": (no_doi, without_accents, capitals, short_pages),
    "no DOI, American spelling and Greek in words": (no_doi, spelt_out_greek, initials_only, copyright_line),
    "no DOI, slips of the keyboard": (no_doi, title_slips, journal_short),
    "no DOI, no abstract, short pages": (no_doi, no_abstract, short_pages, initials_only),
    "no DOI, ahead of print": (no_doi, ahead_of_print, cut_abstract),
    "no DOI, first author alone": (no_doi, first_author_only, cut_abstract, journal_short),
    "no DOI, names the other way round": (no_doi, swapped_names, title_marks),
    "no DOI, no authors": (no_doi, no_authors, unlabelled_abstract),
    "no DOI, marks in the title": (no_doi, title_marks, without_accents, no_pages),
    "no DOI, subtitle and pages lost": (no_doi, no_subtitle, no_pages, initials_only),
    "title, year and first author are all there is": (no_doi, no_abstract, no_pages, first_author_only, journal_short),
}


# --- what looks the same and is not ---


def fresh_place(r: Record, rng: random.Random) -> None:
    """Its own DOI and pages."""
    first = rng.randint(11, 1900)
    r["pages"] = f"{first}-{first + rng.randint(3, 12)}"
    r["doi"] = f"10.{rng.randint(5000, 9999)}/invented.{rng.randint(10000, 99999)}"


def second_part(a: Record, b: Record, rng: random.Random) -> None:
    a["title"] += rng.choice((". Part I", " (part 1)"))
    b["title"] += rng.choice((". Part II", " (part 2)"))
    b["abstract"] = abstract(rng, "these cells", "the same skin")
    fresh_place(b, rng)


def next_in_supplement(a: Record, b: Record, rng: random.Random) -> None:
    """Abstracts of one meeting on one page: another site, the same people and boilerplate."""
    one, other = rng.choice(SITES)
    a["title"] = f"Outcomes of cell treatment for {one}"
    b["title"] = f"Outcomes of cell treatment for {other}"
    a["pages"] = b["pages"] = f"S{rng.randint(10, 90)}"
    a["doi"] = b["doi"] = ""
    b["abstract"] = a["abstract"].replace("people", "patients") if rng.random() < 0.5 else abstract(rng, "cells", other)


def other_cell(a: Record, b: Record, rng: random.Random) -> None:
    one, other = rng.choice(CELLS)
    site = rng.choice(SITES)[0]
    a["title"], b["title"] = (f"Intradermal {cell} for {site}: a randomised controlled trial" for cell in (one, other))
    a["abstract"], b["abstract"] = abstract(rng, one, site), abstract(rng, other, site)
    fresh_place(b, rng)
    if rng.random() < 0.5:
        a["doi"] = b["doi"] = ""


def longer_follow_up(a: Record, b: Record, rng: random.Random) -> None:
    a["title"] += ": six-month results"
    b["title"] += ": five-year results"
    b["year"] += rng.randint(1, 4)
    b["abstract"] = abstract(rng, "these cells", "the same skin")
    fresh_place(b, rng)


def correction_of(a: Record, b: Record, rng: random.Random) -> None:
    about = rng.choice(("Correction to: ", "Corrigendum: ", "Retraction note: ", "Comment on: ", "Reply: "))
    b["title"] = about + a["title"]
    b["abstract"] = ""
    if "Comment" in b["title"]:
        b["authors"] = [f"{last}, {fore}" for last, fore in rng.sample(PEOPLE, 2)]
    fresh_place(b, rng)
    if rng.random() < 0.5:
        b["doi"] = ""


def same_words_other_people(a: Record, b: Record, rng: random.Random) -> None:
    a["title"] = b["title"] = rng.choice(
        (
            "Stem cells in dermatology",
            "Regenerative medicine of the skin: a review",
            "Skin rejuvenation",
            "Letter to the editor",
        )
    )
    b["authors"] = [f"{last}, {fore}" for last, fore in rng.sample(PEOPLE, 3)]
    b["abstract"] = abstract(rng, "stem cells", "the skin")
    b["journal"] = rng.choice(JOURNALS)[0]
    b["year"] += rng.randint(-3, 3)
    fresh_place(b, rng)
    if rng.random() < 0.6:
        a["doi"] = b["doi"] = ""


def update_of(a: Record, b: Record, rng: random.Random) -> None:
    """A living review's next version: same title, people and journal, years later."""
    b["year"] += rng.randint(2, 4)
    b["volume"] = str(int(b["volume"]) + 3)
    b["abstract"] = a["abstract"].replace("may change", "probably changes")
    b["abstract"] = b["abstract"].replace("Results:", "Results: 9 further trials.")
    fresh_place(b, rng)
    if rng.random() < 0.4:
        a["doi"] = b["doi"] = ""


def other_species(a: Record, b: Record, rng: random.Random) -> None:
    one, other = rng.choice((("mice", "rats"), ("rabbits", "pigs"), ("mice", "humans")))
    a["title"], b["title"] = (f"Photoaged skin after exosomes of stem cells in {who}" for who in (one, other))
    b["abstract"] = a["abstract"].replace("people", other)
    fresh_place(b, rng)
    if rng.random() < 0.5:
        a["doi"] = b["doi"] = ""


def namesakes(a: Record, b: Record, rng: random.Random) -> None:
    """One surname, two people, the same year and nearly the same title."""
    a["authors"] = ["Smith, Robert J", "Zhou, Yu"]
    b["authors"] = ["Smith, Rachel", "Zhou, Yan"]
    b["title"] = a["title"].replace("trial", "study").replace("Effect", "Effects") + " in women"
    b["abstract"] = abstract(rng, "cells", "skin")
    b["journal"] = rng.choice(JOURNALS)[0]
    fresh_place(b, rng)
    a["doi"] = b["doi"] = ""


DIFFERENT: dict[str, Callable[[Record, Record, random.Random], None]] = {
    "two parts": second_part,
    "two abstracts of a meeting": next_in_supplement,
    "another cell": other_cell,
    "a longer follow-up": longer_follow_up,
    "a correction, comment or reply": correction_of,
    "a common title": same_words_other_people,
    "an update": update_of,
    "another species": other_species,
    "namesakes": namesakes,
}


# --- two reports of one study: to be grouped, never merged ---


def preprint(a: Record, b: Record, rng: random.Random) -> None:
    b.update(kind="preprint", journal="An Invented Preprint Server", volume="", issue="", pages="")
    b["doi"] = f"10.1101/2{rng.randint(10, 26)}.{rng.randint(10, 12)}.{rng.randint(100000, 999999)}"
    b["year"] -= rng.randint(0, 1)
    b["abstract"] = a["abstract"].replace("may change", "could change")


def meeting_abstract(a: Record, b: Record, rng: random.Random) -> None:
    number = f"NCT0{rng.randint(1000000, 9999999)}"
    a["registrations"] = b["registrations"] = [number]
    b.update(journal="Invented Society Meeting Abstracts", pages=f"S{rng.randint(10, 400)}", doi="")
    b["year"] -= 1
    b["abstract"] = cut(a["abstract"])


def protocol_of(a: Record, b: Record, rng: random.Random) -> None:
    number = f"ISRCTN{rng.randint(10000000, 99999999)}"
    a["registrations"] = b["registrations"] = [number]
    b["title"] = re.split(r": | - ", a["title"])[0] + ": protocol of a randomised trial"
    b["year"] -= rng.randint(1, 3)
    b["abstract"] = abstract(rng, "the cells", "skin")
    fresh_place(b, rng)


def cut(text: str) -> str:
    return text[:200]


STUDY: dict[str, Callable[[Record, Record, random.Random], None]] = {
    "preprint and article": preprint,
    "meeting abstract and article": meeting_abstract,
    "protocol and results": protocol_of,
}


def pairs() -> list[dict[str, Any]]:
    rng = random.Random(SEED)
    made: list[dict[str, Any]] = []
    for kind, changes in SAME.items():
        for _ in range(14):
            a = base(rng)
            b = json.loads(json.dumps(a))
            for change in changes:
                change(b, rng)
            made.append({"kind": kind, "label": "same", "a": a, "b": b})
    for label, kinds, n in (("different", DIFFERENT, 20), ("study", STUDY, 12)):
        for kind, alter in kinds.items():
            for _ in range(n):
                a = base(rng)
                b = json.loads(json.dumps(a))
                alter(a, b, rng)
                if rng.random() < 0.4:
                    rng.choice((initials_only, journal_short, without_accents, unlabelled_abstract))(b, rng)
                made.append({"kind": kind, "label": label, "a": a, "b": b})
    for number, pair in enumerate(made, 1):
        pair["id"] = number
        if rng.random() < 0.5:
            pair["a"], pair["b"] = pair["b"], pair["a"]
    return made


if __name__ == "__main__":
    target = Path(__file__).with_name("pairs.json")
    target.write_text(json.dumps(pairs(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
