"""The search box and its results."""

import re

import pytest
from consoles import post
from stored import deliver
from stored_messages import StoredMessages

ADMISSION = (
    "MSH|^~\\&|REG|NORTH|ENGINE|HUB|20260105083000-0600||ADT^A01^ADT_A01|MSG-{n}|P|2.5.1\r"
    "EVN|A01|20260105083000-0600\r"
    "PID|1||{mrn}^^^NORTH^MR||Okafor^Adaeze^N||19870412|F\r"
    "PV1|1|I|3W^12^1|E|||||||||||||||V{n}^^^NORTH^VN\r"
)


@pytest.fixture
def stored(site):
    messages = StoredMessages(site.url)
    messages.take([ADMISSION.format(n=n, mrn=4700 + n % 2) for n in range(60)])
    yield messages
    messages.close()


def typed(client, text, at=""):
    """Where a text leads that was typed into the box of a page."""
    token = client.get("/messages").text.partition('name="csrf" content="')[2].partition('"')[0]
    answer = client.post(f"/messages/search{at}", data={"csrf": token, "text": text})
    assert answer.status_code == 303
    return answer.headers["location"]


def test_what_is_typed_stands_in_no_address(site, stored):
    client = site.signed_in("support")
    address = typed(client, "mrn:4701")
    assert re.fullmatch(r"/messages\?s=[A-Za-z0-9]{16}", address)
    page = client.get(address).text
    assert page.count("data-row") == 30
    assert ">mrn:4701</textarea>" in page
    links = re.findall(r'(?:href|action)="([^"]*)"', page)
    assert not any("4701" in link for link in links)


def test_one_result_of_one_thing_is_opened(site, stored):
    client = site.signed_in("support")
    answer = client.get(typed(client, "MSG-7"))
    assert answer.status_code == 303
    assert re.fullmatch(r"/messages/\d+\?s=\w+", answer.headers["location"])


def test_somebody_elses_search_is_not_there(site, stored):
    address = typed(site.signed_in("support"), "mrn:4701")
    answer = site.signed_in("support").get(address)
    assert answer.status_code == 404
    assert "4701" not in answer.text


def test_facets_narrow_and_pages_go_on(site, stored):
    client = site.signed_in("support")
    page = client.get("/messages").text
    assert "/messages?channel=adt" in page
    older = re.search(r'href="(/messages\?before=\d+)"', page)
    assert older is not None
    assert client.get(older[1]).text.count("data-row") == 10
    page = client.get("/messages?channel=adt&status=SENT&type=ADT%5EA01").text
    assert 'href="/messages?channel=adt&amp;type=ADT%5EA01"' in page
    assert client.get("/messages?channel=other").text.count("data-row") == 0


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/messages?status=EROR", "did you mean ERROR"),
        ("/messages?before=x", "number of a message"),
        ("/messages?channel=" + "x" * 300, "cannot be"),
        ('/messages?channel=a"b', "cannot be"),
    ],
)
def test_an_address_that_cannot_be_read_says_so(site, stored, address, said):
    answer = site.signed_in("support").get(address)
    assert answer.status_code == 422
    assert said in answer.text


def test_a_slip_in_the_query_gets_a_hint(site, stored):
    client = site.signed_in("support")
    answer = client.get(typed(client, "stauts:ERROR"))
    assert answer.status_code == 422
    assert "did you mean &#34;status:&#34;?" in answer.text


def test_who_may_not_search_by_patient_is_refused_and_that_is_recorded(site, stored):
    client = site.signed_in("operator")
    assert client.get(typed(client, "mrn:4701")).status_code == 403
    assert client.get("/messages/1/thread/patient").status_code == 403


def test_a_search_is_named_for_everybody_and_taken_away(site, stored):
    client, other = site.signed_in("support"), site.signed_in("viewer")
    search_id = typed(client, "status:ERROR").partition("s=")[2]
    token = client.get("/messages").text.partition('name="csrf" content="')[2].partition('"')[0]
    for name, status in (("all <b>errors</b>", 303), ("all <b>errors</b>", 422), ("", 422)):
        data = {"csrf": token, "s": search_id, "name": name}
        assert client.post("/messages/named", data=data).status_code == status
    page = other.get("/messages").text
    assert "all &lt;b&gt;errors&lt;/b&gt;" in page
    named = re.search(r"/messages\?s=(\w+)", page)
    assert named is not None
    assert other.get(named[0]).status_code == 200
    path = f"/messages/named/{named[1]}/forget"
    assert client.post(path, data={"csrf": token}).status_code == 303
    assert other.get(named[0]).status_code == 404


def test_the_thread_of_a_patient(site, stored):
    page = site.signed_in("support").get("/messages/5/thread/patient")
    assert page.status_code == 200
    assert page.text.count("data-row") == 30
    assert "4700" not in page.text
    assert site.signed_in("support").get("/messages/5/thread/doctor").status_code == 404
    assert site.signed_in("support", channels=("oru",)).get(
        "/messages/5/thread/visit"
    ).status_code == 404  # fmt: skip


def test_a_whole_message_can_be_pasted(site, stored):
    client = site.signed_in("support")
    text = ADMISSION.format(n=7, mrn=4701).replace("\r", "\r\n")
    answer = client.get(typed(client, text))
    assert answer.headers["location"].startswith("/messages/8?s=")


def test_all_lines_of_a_search_are_a_file_by_right(site):
    deliver(site.url, *[f"m{number}" for number in range(60)])
    refused = site.signed_in("support")
    assert "/messages/export" not in refused.get("/messages").text
    assert post(refused, "/messages/export", {}).status_code == 403
    client = site.signed_in("analyst")
    assert 'action="/messages/export?channel=adt"' in client.get("/messages?channel=adt").text
    answer = post(client, "/messages/export?channel=adt", {})
    assert answer.headers["content-disposition"] == 'attachment; filename="messages.csv"'
    assert answer.text.count("\r\n") == 61
    assert post(client, "/messages/export?since=never", {}).status_code == 422
    assert post(client, "/messages/export?s=0000000000000000", {}).status_code == 404
