"""Rim. Code values from the EHR API: `GET codeValues?codeSet=N`, page by page. Report 3.1.

A page has up to 1000 items; `opc-next-page` of the answer is the `page` of the next request. An
answer is not trusted: what is no code value ends the whole, because a snapshot that lacks rows
would hold messages for nothing.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import orjson
from multidict import CIMultiDict
from yarl import URL

from engine.codevalues.snapshot import NUMBER, CodeValue
from engine.destinations.http_exchange import Answer, Request
from engine.pipeline.response import Fault

PATH = "codeSystem/20240101/codeValues"
SCOPE = "oraclehealth:millennium:code-system"
PAGES_MAX = 1_000
"""A million values of one code set: more is a server that goes round in circles."""
PAGE_CHARACTERS_MAX = 2_000
SHOWN_MAX = 200

Ask = Callable[[Request], Awaitable[Answer | Fault]]
"""Sends a request with a token."""


class FetchFailed(Exception):  # noqa: N818  a condition of the service
    """The service gave no usable answer; the text says what and what to do."""


async def fetch_code_values(ask: Ask, root: str, code_sets: Iterable[int]) -> list[CodeValue]:
    """All values of these code sets, active and inactive.

    Args:
        ask: sends a request.
        root: of the EHR API, the tenant in place, no slash at the end.
        code_sets: their numbers.

    Raises:
        FetchFailed: the service cannot be reached, refuses, or answers something else.
    """
    found: dict[str, CodeValue] = {}
    for code_set in code_sets:
        page = ""
        for _ in range(PAGES_MAX):
            answer = await _page(ask, root, code_set, page)
            for value in _values(answer, code_set):
                found[value.value] = value
            following = answer.headers.get("opc-next-page", "")
            if not following:
                break
            if following == page or len(following) > PAGE_CHARACTERS_MAX:
                raise FetchFailed(f"code set {code_set}: the service repeats a page")
            page = following
        else:
            raise FetchFailed(f"code set {code_set} has more than {PAGES_MAX} pages")
    return list(found.values())


async def _page(ask: Ask, root: str, code_set: int, page: str) -> Answer:
    query = {"codeSet": str(code_set), **({"page": page} if page else {})}
    url = URL(f"{root}/{PATH}").with_query(query)
    answer = await ask(Request("GET", url, CIMultiDict({"Accept": "application/json"}), None))
    if isinstance(answer, Fault):
        raise FetchFailed(f"{url.host} did not answer: {answer.value}")
    if answer.status != 200:
        raise FetchFailed(_refusal(answer, code_set))
    if not answer.complete:
        raise FetchFailed(f"code set {code_set}: the answer is too long")
    return answer


_REMEDIES = {
    401: "the token was refused: see engine preflight",
    403: f"the account lacks the scope {SCOPE}, or the tenant is not enabled for the app",
    404: "check `ehr_api` of the tenant",
}


def _refusal(answer: Answer, code_set: int) -> str:
    """What a status means; of the body only its code, which is a word of the service."""
    remedy = _REMEDIES.get(answer.status, "try again later")
    if answer.status in (400, 422):
        remedy = "the service does not know the code set, or not these parameters"
    request = answer.headers.get("opc-request-id", "")
    shown = f" (opc-request-id {request[:SHOWN_MAX]})" if request.isprintable() and request else ""
    return f"code set {code_set}: status {answer.status}; {remedy}{shown}"


def _values(answer: Answer, code_set: int) -> Iterable[CodeValue]:
    try:
        body = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        raise FetchFailed(f"code set {code_set}: the answer is no JSON") from None
    items = body.get("items") if isinstance(body, dict) else None
    if not isinstance(items, list):
        raise FetchFailed(f"code set {code_set}: the answer has no `items`")
    for item in items:
        if not isinstance(item, dict):
            raise FetchFailed(f"code set {code_set}: an item is no object")
        yield _value(item, code_set)


def _value(item: Mapping[str, Any], code_set: int) -> CodeValue:
    number = str(item.get("id", ""))
    if not NUMBER.fullmatch(number) or str(item.get("codeSet", code_set)) != str(code_set):
        raise FetchFailed(f"code set {code_set}: an item is no code value of it")
    texts = {name: item.get(name) for name in _TEXTS}
    if not all(text is None or isinstance(text, str) for text in texts.values()):
        raise FetchFailed(f"code set {code_set}: the code value {number} has no texts")
    return CodeValue(
        code_set=code_set,
        value=number,
        active=item.get("isActive") is not False,
        **{column: " ".join((texts[name] or "").split()) for name, column in _TEXTS.items()},
    )


_TEXTS = {
    "display": "display",
    "description": "description",
    "cdfMeaning": "cdf_meaning",
    "cki": "cki",
    "conceptCki": "concept_cki",
}
