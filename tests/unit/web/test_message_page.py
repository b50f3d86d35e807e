"""The message screen: what stands in its HTML, for whom, and that hostile texts stay texts."""

import re

import pytest
from stored_messages import ROOT, StoredMessages, shipped_benches

from engine.pipeline.states import State
from engine.store.desk.rows import AuditSearch

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "{{7*7}}{%include 'base.html'%}",
    "\u202egnp.exe\u202c\u200b",
    "' style='x:y",
)
MESSAGE = (
    "MSH|^~\\&|{0}|NORTH|ENGINE|HUB|20260105083000-0600||ADT^A01^ADT_A01|C-1{4}|P|2.5.1"
    "||||||UNICODE UTF-8\r"
    "EVN|A01|20260105083000-0600\r"
    "PID|1||{1}^^^NORTH^MR||{0}^{1}^{2}||19870412|F|||{3}^{4}^{5}\r"
    "PV1|1|I|{0}^{2}\r"
    "OBX|1|TX|8302-2^Height^LN||{0} {3}{1}||||||F\r"
    "ZZZ|{0}|{5}\r"
)  # fmt: skip


@pytest.fixture
def stored(site):
    site.console.benches = shipped_benches()
    messages = StoredMessages(site.url)
    yield messages
    messages.close()


@pytest.fixture
def hostile(stored):
    (message_id,) = stored.take([MESSAGE.format(*HOSTILE)])
    answer = b"422\nX-Request-Id: <script>alert(2)</script>\n\n"
    answer += b'{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"<b>",'
    answer += b'"diagnostics":"<script>alert(3)</script>","expression":["<img src=y>"]}]}'
    stored.answer(message_id, answer, State.ERROR, number=2)
    return message_id


def token_of(client):
    return client.get("/").text.partition('name="csrf" content="')[2].partition('"')[0]


def unmask(client):
    token = token_of(client)
    data = {"csrf": token, "to": "/", "reason": "INC-77 call from ward"}
    assert client.post("/unmask", data=data).status_code == 303
    return client


def page_of(client, path):
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.text


PAGES = ("", "?left=raw&right=sent", "?left=lost&right=not-written", "?empty=1", "/attempts")


@pytest.mark.parametrize("page", PAGES)
def test_hostile_texts_stay_texts(site, hostile, page):
    client = unmask(site.signed_in("analyst"))
    html = page_of(client, f"/messages/{hostile}{page}")
    assert "<script>alert" not in html
    ours = r"<img (?!src=\"/static/icon.svg\")|<b>"
    assert not re.search(ours + r"|onerror=(?!alert\(1\)&gt;)|href=\"javascript", html)
    assert "\u202e" not in html
    assert "\u200b" not in html
    assert "49" not in re.findall(r"\{\{7\*7\}\}|49\{", html)
    if page in ("", "?left=raw&right=sent"):
        assert "&lt;script&gt;alert(1)" in html
        assert 'title="Right-to-left override">U+202E</span>' in html


@pytest.mark.parametrize("page", [*PAGES, "/why-not?element=Patient.birthDate", "/why-not"])
def test_a_masked_viewer_gets_no_value(site, hostile, page):
    html = page_of(site.signed_in("operator"), f"/messages/{hostile}{page}")
    for text in (HOSTILE[1], HOSTILE[2], HOSTILE[3], HOSTILE[5], "19870412", "alert(3)"):
        assert text not in html.replace("&#34;", '"').replace("&lt;", "<").replace("&gt;", ">")


def test_both_sides_and_the_timeline_are_there(site, hostile):
    html = site.signed_in("support").get(f"/messages/{hostile}").text
    assert 'data-place="s2-8-1-1-1" data-path="PID-8"' in html
    assert re.search(
        r'data-from="s2-8-1-1-1" data-path="Patient.gender" data-rule="transforms/[^"]+:\d+"'
        r' data-origin="PID-8"',
        html,
    )
    assert "attempt 2 at records: 422" in html
    assert '<script src="/static/trace.js" defer>' in html


def test_a_document_is_shown_with_its_narrative_to_the_unmasked(site, stored):
    (message_id,) = stored.take([(ROOT / "samples/cda/ccd-rich.xml").read_bytes()])
    client = site.signed_in("support")
    page = f"/messages/{message_id}?left=narrative"
    assert "masked viewers do not see it" in client.get(page).text
    html = unmask(client).get(page).text
    assert '<section class="narrative">' in html
    assert "<table" in html.partition('<section class="narrative">')[2]


def test_who_may_not_see_contents_gets_the_timeline_alone(site, hostile):
    html = site.signed_in("viewer").get(f"/messages/{hostile}").text
    assert "Timeline" in html
    assert "data-place" not in html
    assert "Request and answer" not in html


def test_next_and_previous_are_those_of_the_results(site, stored):
    ids = stored.take([MESSAGE.format(*(f"X{n}" for _ in range(6))) for n in range(3)])
    client = site.signed_in("support")
    answer = client.get(f"/messages/{ids[1]}/older?type=ADT%5EA01")
    assert answer.headers["location"] == f"/messages/{ids[0]}?type=ADT%5EA01"
    answer = client.get(f"/messages/{ids[1]}/newer")
    assert answer.headers["location"] == f"/messages/{ids[2]}"
    answer = client.get(f"/messages/{ids[2]}/newer")
    assert answer.headers["location"] == f"/messages/{ids[2]}"


def test_the_bytes_are_exported_only_by_right_and_as_a_file(site, hostile):
    support = site.signed_in("support")
    refused = support.post(f"/messages/{hostile}/raw", data={"csrf": token_of(support)})
    assert refused.status_code == 403
    client = site.signed_in("analyst")
    token = token_of(client)
    answer = client.post(f"/messages/{hostile}/raw", data={"csrf": token})
    assert answer.content == MESSAGE.format(*HOSTILE).encode()
    assert answer.headers["content-disposition"].startswith("attachment;")
    with site.desk.store() as store:
        trail = [row.entry for row in store.audit_rows(AuditSearch())]
    told = [(one.act, one.actor.rstrip("0123456789"), one.message_id) for one in trail]
    assert ("export", "analyst", hostile) in told
    assert ("refused", "support", None) in told


@pytest.mark.parametrize("path", ["/messages/999", "/messages/999/attempts", "/messages/999/older"])
def test_a_message_that_is_not_there(site, stored, path):
    answer = site.signed_in("support").get(path)
    assert answer.status_code in (303, 404)


def test_a_rule_is_shown_by_its_place(site, hostile):
    client = site.signed_in("support")
    html = client.get(f"/messages/{hostile}").text
    address = re.search(r'href="(/messages/\d+/rule\?[^"]+)"', html)[1].replace("&amp;", "&")
    assert 'class="here"' in client.get(address).text
    assert client.get(f"/messages/{hostile}/rule?at=/etc/passwd:1").status_code == 404


def test_a_test_is_made_for_who_may_export(site, hostile):
    assert site.signed_in("support").get(f"/messages/{hostile}/test").status_code == 403
    html = page_of(site.signed_in("analyst"), f"/messages/{hostile}/test")
    assert "- name: ADT A01 as it came, without the patient" in html
    assert "expect: {state: TRANSFORMED" in html
    assert "onerror" not in html


def test_a_bundle_is_a_file_by_right_and_masked_as_the_screen_is(site, hostile):
    support = site.signed_in("support")
    refused = support.post(f"/messages/{hostile}/bundle", data={"csrf": token_of(support)})
    assert refused.status_code == 403
    client = site.signed_in("analyst")
    token = token_of(client)
    answer = client.post(f"/messages/{hostile}/bundle", data={"csrf": token})
    assert answer.headers["content-disposition"] == f'attachment; filename="message-{hostile}.html"'
    assert "19870412" not in answer.text
    assert "<script>alert" not in answer.text
    seen = unmask(client).post(f"/messages/{hostile}/bundle", data={"csrf": token})
    assert "19870412" in seen.text
    missing = client.post("/messages/99/bundle", data={"csrf": token})
    assert missing.status_code == 404
