"""How reports deny, doubt and put aside what they name: cues, as phrases for a phrase book.

In the tradition of NegEx (Chapman et al. 2001, J Biomed Inform 34:301) and ConText (Harkema et al.
2009, J Biomed Inform 42:839): a cue holds for the words behind or before it up to an end of scope.

Where readers differ: "likely", "consistent with" and "compatible with" commit the writer, so they
change nothing; "possible", "probable", "suspected", "suggestive of", "may", "versus" and "no new"
leave it open, so they are uncertain; "unlikely" is uncertain too, not absent.
"""

from collections.abc import Mapping
from enum import Enum, auto


class Cue(Enum):
    """What a cue does to the findings around it."""

    DENIES = auto()  # those behind it are absent
    DENIED = auto()  # those before it are absent
    GONE = auto()  # those before it are absent; without any, those behind it
    DOUBTS = auto()  # those behind it are uncertain, over a whole list
    UNEXCLUDED = auto()  # the same, and stronger than an earlier denial
    QUESTION = auto()  # doubts the word that it is written to
    DOUBTS_NEXT = auto()  # those behind it are uncertain, up to a comma or an "and"
    DOUBTED = auto()  # those before it are uncertain
    EITHER = auto()  # the one before it and the one behind it are uncertain
    ASIDE = auto()  # those behind it are asked for, feared or past, and nothing is said of them
    END = auto()  # no cue reaches across it
    COMMA = auto()
    AND = auto()
    OR = auto()
    WITH = auto()
    VERB = auto()
    SEEN = auto()  # "is seen", "are present": the end of a sentence that may have denied
    NOTHING = auto()  # looks like a cue and is none


_SEEN = "seen|identified|visualized|noted|present|evident|demonstrated|detected|appreciated|found"
_BE = "is|are|was|were|be|been|has|have"

CUES: Mapping[Cue, str] = {
    Cue.NOTHING: """
        no|without|not significant|significantly|definite|much|further? interval? change|increase|decrease|improvement|progression|worsening|difference|changed|enlargement in|of?
        no|without further|evidence increase|worsening|progression|change in|of?
        not only|necessarily
        no less
        not all
        no comparison+|prior+
        no previous study|studies|exam+|examination+
        unchanged from prior|previous?
        nearly|almost|partially|partly|not|incompletely|largely completely|fully|yet? resolved|cleared
        near|partial|incomplete complete? resolution of?
        without difficulty
    """,  # noqa: E501
    Cue.DENIES: """
        no|without|not|nor|neither|lack|non
        no|without|not any evidence|sign+|suggestion|indication of?
        absence|absent|lack of
        free|clear|devoid|cleared of
        negative for
        denies|denied
        rules|ruled out
        excludes|excluding
        fails|failed to show|demonstrate|reveal
        no longer
        nothing to suggest|indicate
        resolution|clearing|removal|disappearance of
        removed|extubated
    """,
    Cue.DENIED: f"""
        {_BE}|has|have? been|be? not seen|identified|visualized|noted|present|evident|demonstrated|detected|appreciated|found|apparent|observed|visible|suspected|confirmed
        {_BE}? no longer {_BE}? {_SEEN}|apparent|visible
        {_BE}? no longer there
        : none|absent|negative|nil
        : no .
        {_BE} negative|absent|none
        {_BE} excluded
        {_BE} been? ruled out
        isn't|aren't|wasn't|weren't|hasn't|haven't been? {_SEEN}
        absent
    """,  # noqa: E501
    Cue.GONE: f"""
        {_BE}? been? now|completely|since|interval|entirely|fully? resolved|cleared|disappeared
        {_BE}? been? now|since|interval? removed
        {_BE}|has been removed
        ruled out
        excluded
    """,
    Cue.DOUBTS: """
        may|might|could|would|can
        may|might|could|would|can be|represent|reflect|indicate|include|suggest|relate|have|also
        may|might|could|would|can also? be|represent|reflect|indicate due|related|secondary? to?
        maybe|perhaps
        suspicious|concerning|worrisome for
        suspicion|concern|question|possibility of|for
        raises|raising|raise the|a? possibility|question|concern|suspicion of|for
        suggest|suggests|suggesting|suggestive of?
        differential diagnosis? includes|include|including|would?
        consider|considered
        unlikely to? represent|be?
        less likely to? represent|be?
        as opposed to
    """,
    Cue.UNEXCLUDED: """
        cannot|can't|couldn't entirely|completely|definitely? exclude
        can|could not entirely|completely|definitely? exclude
        cannot|can't rule out
        can|could not rule out
        does|do not entirely|completely? exclude
        does|do not rule out
        doesn't exclude
        without excluding
        no|not|without new
    """,
    Cue.QUESTION: "?",
    Cue.DOUBTS_NEXT: """
        possible|possibly|questionable|suspected|presumed|presumably|probable|probably|suspect|query|question
        equivocal|indeterminate|vague|subtle for
        rather than
    """,
    Cue.DOUBTED: """
        is|are|was|were|remains not entirely|completely|definitely? excluded
        cannot|can't be? entirely|completely|definitely? excluded
        can|could not be entirely|completely|definitely? excluded
        cannot|can't be entirely|completely|definitely? ruled out
        can|could not be entirely|completely|definitely? ruled out
        not entirely|completely|definitely? excluded
        is|are|was|be|remains|also a? possible|possibility|suspected|questioned|considered|questionable
        may|might|could|can also? be present|seen|there
        may|might|could|can not? be excluded
        may|might|could|can not be? seen|demonstrated|visible|apparent
        may|might|could|can be obscured|hidden|missed
        may|might|could have this appearance
        is|are|remains? unlikely
        is|are less likely
        not clearly|well|fully|adequately seen|visualized|evaluated|identified|defined|assessed
        poorly|incompletely evaluated
    """,  # noqa: E501
    Cue.EITHER: """
        versus|vs
        and / or
    """,
    Cue.ASIDE: """
        history|hx of
        h / o
        known|prior history of
        rule out
        r / o
        evaluate|evaluation|assess|assessment|assessing|check|checking|evaluating for|of
        exclude
        screening for
        risk|risks of|for
        symptom|symptoms of
        correlate|correlation for|with clinically? for?
        treated|treatment for|of
        unable to assess|evaluate|exclude
        if
    """,
    Cue.END: """
        .|;|:|but|however|although|though|yet|except|whereas|while|there|because
        apart|aside from
        other than
        with the exception of
        secondary|due to
        as a|the? cause|reason|source of|for
    """,
    Cue.COMMA: ",",
    Cue.AND: "and|&|plus",
    Cue.OR: "or",
    Cue.WITH: "with",
    Cue.SEEN: f"""
        {_BE} been? clearly|definitely|readily|currently|also? {_SEEN}|apparent|visible|observed
        {_SEEN} in|on|at|today?
    """,
    Cue.VERB: """
        is|are|was|were|has|have|had|remains|remain|appears|appear|shows|show|demonstrates|persists
        demonstrate|reveals|contains|project|projects|obscures|overlies|extends|terminates
    """,
}

RESTARTS = """
    stable unchanged persistent mild mildly moderate moderately severe there small minimal the this
    a an trace tiny chronic increased slightly
"""  # behind a comma, what is not part of a list of what is absent

ASKING = """
    clinical|brief? indication+|history|information|presentation|question|data|details|statement
    reason for exam|examination|study|this|the? exam|examination|study?
    comparison+
    technique
    procedure|exam|examination|type|study
    presentation|complaint|symptoms
"""  # sections that say what was asked, not what was seen

ANSWERING = """
    findings|finding|impression|impressions|conclusion|conclusions|report|interpretation|opinion
    imaging notes
    discussion|summary|result|results|assessment
    final report|impression
"""

SEEN_WORDS = _SEEN.replace("|", " ") + " apparent visible observed"
CLAUSE_VERBS = """
    is are was were has have had remains remain appears appear shows show demonstrates demonstrate
    reveals reveal persists may might could projects
"""
BETWEEN_NO_AND_DISEASE = """
    evidence of radiographic radiographically other definite significant plain film convincing sign
    signs any an a the x ray chest focal specific new clear obvious identifiable
"""
SENTENCE_SIGNS = ". ; : there"  # no verdict reaches an organ across them
ORGAN_FILLERS = """
    sized size in of the appearing appearance and & / contour contours configuration shape overall
    caliber cardiac appears with
"""  # between a verdict and the organ behind it
