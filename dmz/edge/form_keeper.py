"""Gives a form back whose sender met a busy hall: what he typed is not lost with a 503.

It stands before everything that may refuse a request for the moment (admission control, content switch), and needs
nothing of the workers: the form goes into the page of the refusal (``dmz.hall.form_back``).
"""

from __future__ import annotations

from dmz.answering import Answerer, Answering, Cancel, Done, answerer_of
from dmz.hall.form_back import UNANSWERED, form_back
from dmz.messages import FormUnansweredError, HallRequest, HallResponse, Handler
from wire_formats.errors import Unavailable


class FormKeeper(Answering):
    """A handler that adds the form to an ``Unavailable`` where there was one.

    Args:
        inner: what answers.
    """

    def __init__(self, inner: Handler | Answerer) -> None:
        self._inner = answerer_of(inner)

    def begin(self, request: HallRequest, done: Done, /) -> Cancel:
        """Have a request answered.

        The error may be ``FormUnansweredError`` in the place of an ``Unavailable``, or one of ``inner``.
        """
        if request.method != "POST":
            return self._inner.begin(request, done)

        def keeping(outcome: HallResponse | BaseException) -> None:
            if isinstance(outcome, Unavailable):
                form = form_back(request, action=UNANSWERED)
                outcome = outcome if form is None else FormUnansweredError(outcome, form)
            done(outcome)

        return self._inner.begin(request, keeping)
