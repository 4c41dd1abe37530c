"""Enums that cross the border of a service, in events as well as in tables."""

import enum


class CourseCode(str, enum.Enum):
    """The courses an essay can be written for."""

    ENG5 = "ENG5"
    ENG6 = "ENG6"
    ENG7 = "ENG7"
    SV1 = "SV1"
    SV2 = "SV2"
    SV3 = "SV3"


class EssayStatus(str, enum.Enum):
    """The stages of an essay, in the order it gets there."""

    UPLOADED = "uploaded"
    TEXT_EXTRACTED = "text_extracted"
    READY_FOR_PROCESSING = "ready_for_processing"
    SPELLCHECKING_IN_PROGRESS = "spellchecking_in_progress"
    SPELLCHECKED_SUCCESS = "spellchecked_success"
    SPELLCHECK_FAILED = "spellcheck_failed"
    CJ_ASSESSMENT_IN_PROGRESS = "cj_assessment_in_progress"
    CJ_ASSESSMENT_SUCCESS = "cj_assessment_success"
    CJ_ASSESSMENT_FAILED = "cj_assessment_failed"
    FEEDBACK_IN_PROGRESS = "feedback_in_progress"
    FEEDBACK_SUCCESS = "feedback_success"
    FEEDBACK_FAILED = "feedback_failed"
    ESSAY_CRITICAL_FAILURE = "essay_critical_failure"


def enum_values(enum_class: type[enum.Enum]) -> list[str]:
    """The labels of an enum type that stores values rather than member names."""
    return [member.value for member in enum_class]
