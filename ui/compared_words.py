"""What the tab "Compare" says of an answer and of the library, in sentences."""

from daug.case_desk import CaseLibrary, EmbeddingState
from daug.case_query import CaseFilter
from daug.similar_cases import SearchAnswer, SearchKind
from ui.moved_ranks import fallen_out, moves
from ui.search_settings import Settings

NOT_CALIBRATED = "Similarity is not calibrated for this question."
NOBODY = (
    "No case may answer. Leave out a filter, ask for another kind of cases, or wait until the "
    "library is embedded."
)
UNLIKE = (
    "Nothing like this in the library. The cases shown are the least unlike; do not read them as "
    "similar."
)
GET_REAL_ONES = (
    "To compare with real cases, import your own in the tab Library, or with `daug library import`."
)
WHAT = {
    SearchKind.SIMILAR: "most similar",
    SearchKind.LOOK_ALIKES: "most similar that lack the query's findings and have others",
    SearchKind.NEAREST_NORMAL: "most similar with an explicit No Finding",
}


def told(answer: SearchAnswer, settings: Settings, other: SearchAnswer | None) -> str:
    """Return what was found, among how many cases, and under which conditions."""
    parts = [_found(answer, settings)]
    if settings.imagined:
        parts.append(f"The query is {settings.imagined}; nothing imagined was seen by anybody.")
    if answer.image_weight is not None and answer.text_weight is not None:
        parts.append(f"Radiograph {answer.image_weight:.0%}, text {answer.text_weight:.0%}.")
    if answer.patient_excluded:
        parts.append("The patient's own radiographs are left out.")
    if settings.without_heat or other is not None:
        parts.append(_ranked(answer, settings, other))
    if answer.hits and answer.floor is None:
        parts.append(NOT_CALIBRATED)
    return " ".join(parts)


def warning(answer: SearchAnswer) -> str:
    """Return what must not be overlooked; empty if there is nothing."""
    if not answer.unlike_anything:
        return ""
    if answer.floor is None or not answer.hits:
        return UNLIKE
    floor = answer.floor
    return (
        f"{UNLIKE} Of the library's own cases, {floor.percentile:.3g} % have no case of another "
        f"patient above {floor.similarity:.2f} (n = {floor.n:,})."
    )


def library_line(state: EmbeddingState, library: CaseLibrary) -> str:
    """Return what must be known of the library; empty if all of it is searched and it is real."""
    if state.total == 0:
        return f"The library is empty. {GET_REAL_ONES}"
    parts = [_embedded(state)]
    if library.count(CaseFilter(synthetic=False)) == 0:
        parts.append(f"All of the library's cases are synthetic and show nobody. {GET_REAL_ONES}")
    return " ".join(part for part in parts if part)


def time_left(seconds: float) -> str:
    """Return a time as a person would tell it."""
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _found(answer: SearchAnswer, settings: Settings) -> str:
    if not answer.hits:
        return NOBODY
    return f"The {len(answer.hits)} {WHAT[settings.kind]} of {answer.allowed:,} cases."


def _ranked(answer: SearchAnswer, settings: Settings, other: SearchAnswer | None) -> str:
    how = "Ranked without the heatmap" if settings.without_heat else "Ranked with the heatmap"
    if other is None:
        return f"{how}."
    moved = sum(bool(arrow) for arrow in moves(answer.hits, other.hits).values())
    gone = fallen_out(answer.hits, other.hits)
    against = "with it" if settings.without_heat else "without it"
    return f"{how}: against the ranking {against}, {moved} moved and {gone} are not shown."


def _embedded(state: EmbeddingState) -> str:
    told = f"{state.embedded:,} of {state.total:,} cases are embedded"
    if state.complete and not state.running:
        return state.failed
    left = "" if state.seconds_left is None else f", about {time_left(state.seconds_left)} left"
    going = left if state.running else ""
    return " ".join(
        part for part in (f"{told}{going}; only these are searched.", state.failed) if part
    )
