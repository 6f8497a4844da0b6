"""Full texts in JATS that nobody published, in the four shapes PMC serves."""

from collections.abc import Iterator

FIRST = 90_000_001
CC_BY = (
    '<license license-type="open-access" xlink:href="https://creativecommons.org/licenses/by/4.0/">'
    "<license-p>This synthetic text is under the Creative Commons Attribution 4.0 licence.</license-p></license>"
)
NO_BODY = "<!--The publisher of this article does not allow downloading of the full text in XML form.-->"
BODY = """
  <body>
    <sec id="s1" sec-type="intro"><title>Introduction</title>
      <p>This paragraph was invented to have an introduction about ageing skin and <italic>stem cells</italic>.</p>
    </sec>
    <sec id="s2" sec-type="methods"><title>Methods</title>
      <p>Twenty imagined participants received 1 × 10<sup>6</sup> synthetic cells (NCT99000001).</p>
      <sec id="s2a"><title>Outcome measures</title>
        <p>Elasticity was read from an invented device, see <xref ref-type="table" rid="t1">Table 1</xref>.</p>
      </sec>
    </sec>
    <sec id="s3" sec-type="results"><title>Results</title>
      <p>The made-up difference was 0.12 (95% CI 0.02 to 0.22).</p>
      <table-wrap id="t1"><label>Table 1</label>
        <caption><title>Synthetic elasticity</title><p>Means of invented readings.</p></caption>
        <table><thead><tr><th>Week</th><th>Cells</th><th>Saline</th></tr></thead>
          <tbody><tr><td>12</td><td>0.71</td><td>0.59</td></tr></tbody></table>
      </table-wrap>
      <fig id="f1"><label>Figure 1</label><caption><p>A figure that does not exist.</p></caption></fig>
    </sec>
    <sec id="s4" sec-type="discussion"><title>Discussion</title><p>Nothing follows from a synthetic text.</p></sec>
  </body>"""


def articles() -> Iterator[tuple[int, bytes]]:
    """Four numbers and articles: CC BY with body, no licence, no body, no PMID."""
    yield FIRST, article(FIRST, pmid=90_000_001)
    yield FIRST + 1, article(FIRST + 1, pmid=90_000_002, licence="")
    yield FIRST + 2, article(FIRST + 2, pmid=90_000_003, licence="", body="")
    yield FIRST + 3, article(FIRST + 3, pmid=None)


def article(
    number: int,
    *,
    pmid: int | None,
    licence: str = CC_BY,
    body: str = BODY,
    title: str = "A synthetic full text about stem cells for skin",
) -> bytes:
    """One JATS article; `licence` and `body` are ready XML, empty for none."""
    pmid_id = f'<article-id pub-id-type="pmid">{pmid}</article-id>' if pmid else ""
    return f"""<article xmlns:xlink="http://www.w3.org/1999/xlink" article-type="research-article" xml:lang="en">
  <front>
    <journal-meta>
      <journal-id journal-id-type="nlm-ta">Synth J Derm Biol</journal-id>
      <journal-title-group><journal-title>Synthetic Journal of Dermal Biology</journal-title></journal-title-group>
      <issn pub-type="epub">9990-0014</issn>
    </journal-meta>
    <article-meta>
      {pmid_id}<article-id pub-id-type="pmcid">PMC{number}</article-id>
      <article-id pub-id-type="doi">10.5555/synthetic.pmc.{number}</article-id>
      <title-group><article-title>{title} ({number})</article-title></title-group>
      <contrib-group><contrib contrib-type="author">
        <contrib-id contrib-id-type="orcid">https://orcid.org/0000-0009-9208-0576</contrib-id>
        <name><surname>Alderwick</surname><given-names>Ada Maria</given-names></name>
        <xref ref-type="aff" rid="a1"/></contrib>
        <contrib contrib-type="author"><collab>Synthetic Skin Study Group</collab></contrib></contrib-group>
      <aff id="a1">Institute of Regenerative Medicine, Example College, Eastmere, Utopia</aff>
      <pub-date pub-type="epub"><day>7</day><month>3</month><year>2024</year></pub-date>
      <volume>34</volume><issue>3</issue><elocation-id>e{number % 1000}</elocation-id>
      <permissions><copyright-statement>Nobody: synthetic text.</copyright-statement>{licence}</permissions>
      <abstract><sec><title>Aim</title><p>To have a synthetic abstract.</p></sec>
        <sec><title>Findings</title><p>There are none.</p></sec></abstract>
      <kwd-group><kwd>synthetic</kwd><kwd>skin ageing</kwd></kwd-group>
    </article-meta>
  </front>{body or NO_BODY}
  <back><ref-list><ref id="r1"><mixed-citation>Brambell A. An invented earlier study. 2019.
    <pub-id pub-id-type="pmid">80000001</pub-id></mixed-citation></ref></ref-list></back>
</article>
""".encode()
