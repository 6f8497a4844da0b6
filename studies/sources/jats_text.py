"""The body of a JATS article: its licence, its sections with headings, its tables' and figures' captions."""

from collections.abc import Iterator

from lxml import etree

from studies.sources.jats_front import href
from studies.sources.licences import short_name
from studies.sources.record import FullText, FullTextSection
from studies.sources.xml_text import plain

Element = etree._Element

_FLOATS = frozenset({"fig", "fig-group", "table-wrap", "table-wrap-group", "supplementary-material", "media"})
_SILENT = _FLOATS | {"label", "title", "sec-meta", "object-id", "graphic", "inline-graphic", "fn-group"}
_LISTS = frozenset({"list", "def-list", "list-item", "disp-quote", "boxed-text", "disp-formula-group", "def-item"})
_SKIP_IN_PARAGRAPH = _FLOATS | {"fn", "tex-math", "alternatives"}


def full_text(article: Element, meta: Element) -> FullText:
    """Licence and sections; no sections unless the licence allows reuse. PMC sends closed articles without a body."""
    body = article.find("body")
    has_body = body is not None and any(True for _ in body.iter("p", "sec"))
    url, text, licence = _licence(meta)
    if not has_body or not licence or body is None:
        return FullText(url, text, licence, has_body)
    sections = list(_sections(body, 1, ""))
    loose = article.find("floats-group")
    if loose is not None and (captions := tuple(_captions(loose))):
        sections.append(FullTextSection("Figures and tables", 1, (), captions))
    return FullText(url, text, licence, has_body, tuple(sections))


def _licence(meta: Element) -> tuple[str, str, str]:
    urls, texts = [], []
    for element in (*meta.iterfind("permissions/license"), *meta.iterfind("permissions/license_ref")):
        urls += [href(element)] if href(element) else []
        urls += [plain(item) for item in element.iter("license_ref")]
        urls += [href(item) for item in element.iter("ext-link", "uri") if href(item)]
        texts.append(plain(element))
    text = " ".join(line for line in texts if line)
    name, url = short_name(urls, text)
    return url or (urls[0] if urls else ""), text, name


def _sections(parent: Element, level: int, heading: str) -> Iterator[FullTextSection]:
    """The parent's own paragraphs first, then its sections, each a level deeper."""
    paragraphs, captions = [], []
    for part in parent:
        if part.tag == "sec":
            continue
        paragraphs.extend(_paragraphs(part))
        captions.extend(_captions(part))
    below = parent.tag == "sec" and any(part.tag == "sec" for part in parent)
    if paragraphs or captions or (heading and below):
        yield FullTextSection(heading, level, tuple(paragraphs), tuple(captions))
    deeper = level + 1 if parent.tag == "sec" else level
    for part in parent.iterchildren("sec"):
        yield from _sections(part, deeper, _heading(part))


def _heading(section: Element) -> str:
    label, title = plain(section.find("label")), plain(section.find("title"), frozenset({"fn", "xref"}))
    return f"{label} {title}".strip() if label and not title.startswith(label) else title


def _paragraphs(part: Element) -> Iterator[str]:
    if part.tag in _SILENT or not isinstance(part.tag, str):
        return
    if part.tag in _LISTS:
        for item in part:
            yield from _paragraphs(item)
    elif text := plain(part, _SKIP_IN_PARAGRAPH):
        yield text


def _captions(part: Element) -> Iterator[str]:
    """`Table 1 Patients' characteristics`, for figures and tables anywhere in this part."""
    for element in part.iter("fig", "table-wrap", "supplementary-material", "media"):
        caption = element.find("caption")
        text = f"{plain(element.find('label'))} {plain(caption, frozenset({'fn', 'object-id'}))}".strip()
        if text and caption is not None:
            yield text
