"""Whatever is asked with what only the owner knows: others learn nothing of him.

That a stranger is answered as if there were no owner is more than that nothing of the owner is
in the answer: it also holds for numbers, orders, pages, and whether there is an error.
"""

import pytest

from tests.authorization.asking import ask, ask_both, codes, differences
from tests.authorization.questions import Question, open_questions, questions
from tests.authorization.worlds import NOBODY, OWNER, STRANGER, Worlds

QUESTIONS = questions()


@pytest.mark.parametrize("question", [*QUESTIONS, *open_questions()], ids=str)
async def test_a_stranger_is_answered_as_if_there_were_no_owner(
    question: Question, both: Worlds
) -> None:
    for asked in question.asked_by(STRANGER):
        found = differences(*await ask_both(both, STRANGER, asked))
        assert not found, f"{question} tells a stranger who sends {asked.variables}: {found}"


@pytest.mark.parametrize("question", QUESTIONS, ids=str)
async def test_nobody_is_refused(question: Question, both: Worlds) -> None:
    for asked in question.asked_by(OWNER):
        answer = await ask(both.beside, NOBODY, asked)
        assert codes(answer) == ["UNAUTHENTICATED"], f"{question} with {asked.variables}"
        assert not any((answer["data"] or {}).values()), f"{question} with {asked.variables}"
