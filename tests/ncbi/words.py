"""Own-written words of which the synthetic records are made. Nobody did these studies."""

PRODUCTS = (
    "adipose-derived stem cells",
    "stromal vascular fraction",
    "bone marrow mesenchymal stem cells",
    "umbilical cord mesenchymal stem cells",
    "stem cell conditioned medium",
    "adipose stem cell exosomes",
    "nanofat grafting",
    "amniotic membrane stem cells",
    "dermal fibroblast suspension",
    "hair follicle stem cells",
)
CONDITIONS = (
    "photoaging",
    "facial wrinkles",
    "periorbital lines",
    "atrophic acne scars",
    "skin laxity of the neck",
    "nasolabial folds",
    "melasma",
    "skin aging of the hands",
    "ultraviolet damage",
    "intrinsic skin aging",
)
DELIVERIES = (
    "intradermal injection",
    "microneedling",
    "fractional laser assisted delivery",
    "subcutaneous injection",
    "topical application",
    "mesotherapy",
)
COMPARATORS = ("saline", "hyaluronic acid filler", "platelet-rich plasma", "no treatment", "vehicle gel")
OUTCOMES = (
    "skin elasticity by cutometer",
    "stratum corneum hydration",
    "transepidermal water loss",
    "wrinkle severity score",
    "global aesthetic improvement scale",
    "dermal thickness on ultrasound",
    "collagen density in biopsies",
    "pore count on standardised photographs",
    "melanin index",
    "patient satisfaction",
)
ANIMALS = ("nude mice", "hairless mice", "aged rats", "minipigs")
GENES = ("COL1A1", "COL3A1", "MMP1", "TGFB1", "VEGFA", "CDKN1A")
LAST_NAMES = (
    *("Alderwick", "Brambell", "Corvino", "Dunmore", "Ekström", "Fennimore", "Galanti", "Hollowell"),
    *("Ivarsen", "Jarrow", "Kestrel", "Lindqvist", "Mortlake", "Núñez-Vale", "Ostrava", "Pemberly"),
    *("Quillon", "Rosewarne", "Silvano", "Tarkett", "Umberto", "Vasari", "Wexcombe", "Yarrowby"),
)
FIRST_NAMES = (
    *("Ada Maria", "Bruno", "Clara J", "Dario", "Elif", "Felix O", "Greta", "Hugo"),
    *("Ines", "Jonas", "Kaya L", "Leon", "Mira", "Nils", "Olga", "Pavel R"),
)
INSTITUTES = (
    "Department of Dermatology, Synthetic University Hospital, Northwick, Utopia",
    "Institute of Regenerative Medicine, Example College, Eastmere, Utopia",
    "Laboratory of Cell Therapy, Model Institute, Southhaven, Arcadia",
    "Division of Plastic Surgery, Fictive Medical Centre, Westbrook, Arcadia",
)
# title, ISO abbreviation, ISSN, NLM id: none of them exists.
JOURNALS = (
    ("Synthetic Journal of Dermal Biology", "Synth J Derm Biol", "9990-0014", "990000001"),
    ("Archives of Fictive Stem Cell Therapy", "Arch Fictive Stem Cell Ther", "9990-0022", "990000002"),
    ("Example Reports in Aesthetic Medicine", "Ex Rep Aesthet Med", "9990-0030", "990000003"),
    ("Model Annals of Skin Research", "Model Ann Skin Res", "9990-0049", "990000004"),
    ("Utopian Letters on Regeneration", "Utop Lett Regen", "9990-0057", "990000005"),
)
DESCRIPTORS = (
    ("D015595", "Skin Aging"),
    ("D059630", "Mesenchymal Stem Cells"),
    ("D000273", "Adipose Tissue"),
    ("D012059", "Rejuvenation"),
    ("D045164", "Mesenchymal Stem Cell Transplantation"),
    ("D055354", "Exosomes"),
    ("D002921", "Cicatrix"),
    ("D014945", "Wound Healing"),
    ("D003094", "Collagen"),
    ("D005347", "Fibroblasts"),
    ("D053657", "Platelet-Rich Plasma"),
    ("D016896", "Treatment Outcome"),
    ("D005145", "Face"),
    ("D007275", "Injections, Intradermal"),
)
HUMAN_TAGS = (
    ("D006801", "Humans"),
    ("D005260", "Female"),
    ("D000328", "Adult"),
    ("D008875", "Middle Aged"),
)
ANIMAL_TAGS = (("D000818", "Animals"), ("D051379", "Mice"))
QUALIFIERS = (
    ("Q000628", "therapy"),
    ("Q000187", "drug effects"),
    ("Q000379", "methods"),
    ("Q000166", "cytology"),
    ("Q000637", "transplantation"),
    ("Q000473", "pathology"),
)
ARTICLE = ("D016428", "Journal Article")
# How a title begins, and the publication types that go with it.
DESIGNS = (
    ("A randomised controlled trial of", (ARTICLE, ("D016449", "Randomized Controlled Trial"))),
    ("A split-face comparison of", (ARTICLE, ("D016430", "Clinical Trial"))),
    ("A prospective case series of", (ARTICLE, ("D064888", "Observational Study"))),
    ("In vitro effects of", (ARTICLE,)),
    ("Effects in animals of", (ARTICLE,)),
    ("A systematic review of", (ARTICLE, ("D000078182", "Systematic Review"), ("D016454", "Review"))),
    ("A meta-analysis of", (ARTICLE, ("D017418", "Meta-Analysis"))),
    ("A case report of", (("D002363", "Case Reports"), ARTICLE)),
    ("A narrative review of", (ARTICLE, ("D016454", "Review"))),
    ("A phase II trial of", (ARTICLE, ("D017427", "Clinical Trial, Phase II"))),
)
RETRACTED = ("D016441", "Retracted Publication")
RETRACTION = ("D016440", "Retraction Notice")
# Every kind of CommentsCorrections in the DTD but the retractions, which the corpus makes in pairs.
COMMENT_KINDS = (
    *("AssociatedDataset", "AssociatedPublication", "CommentIn", "CommentOn", "CorrectedandRepublishedIn"),
    *("CorrectedandRepublishedFrom", "ErratumIn", "ErratumFor", "ExpressionOfConcernIn"),
    *("ExpressionOfConcernFor", "RepublishedIn", "RepublishedFrom", "RetractedandRepublishedIn"),
    *("RetractedandRepublishedFrom", "UpdateIn", "UpdateOf", "SummaryForPatientsIn"),
    *("OriginalReportIn", "ReprintIn", "ReprintOf", "Cites"),
)
SENTENCES = {
    "BACKGROUND": (
        "Synthetic text: whether {product} improve {condition} is asked here only to fill a record.",
        "The invented literature on {product} disagrees about {outcome}, and the reasons are left open.",
    ),
    "METHODS": (
        "We allocated {n} imagined participants with {condition} to {product} or {comparator} by {delivery}.",
        "Assessors who did not know the allocation measured {outcome} at {weeks} weeks.",
        "Cells were counted before {delivery}, and batches below {cells} million viable cells were discarded.",
        "The primary outcome was {outcome}; secondary outcomes were {outcome2} and adverse events.",
    ),
    "RESULTS": (
        "At {weeks} weeks {outcome} changed by {a:.2f} (SD {b:.2f}) after {product} and by {c:.2f} after {comparator}.",
        "The difference was {d:.2f} (95% CI {e:.2f} to {f:.2f}; <i>P</i> = 0.0{p}).",
        "{n2} participants reported transient redness, {n3} swelling, and none a serious event.",
        "Expression of {gene} rose {g:.1f}-fold, while {gene2} stayed as it was.",
    ),
    "CONCLUSIONS": (
        "In this made-up sample {product} by {delivery} were followed by a change in {outcome}.",
        "Nothing should be concluded from a synthetic record about {condition}.",
    ),
}
