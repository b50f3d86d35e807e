"""Editing a copy in the browser's terms: the form, the dry run, the way to the new message."""

import pytest
from stored_messages import StoredMessages, shipped_benches

RAW = (
    "MSH|^~\\&|REG|NORTH|ENGINE|HUB|20260105083000-0600||ADT^A01^ADT_A01|C-1|P|2.5.1\r"
    "EVN|A01|20260105083000-0600\r"
    "PID|1||4711^^^NORTH^MR||Okafor^Adaeze||19870412|X\r"
    "PV1|1|I|3W^12^1\r"
)


@pytest.fixture
def stored(site):
    site.console.benches = shipped_benches()
    messages = StoredMessages(site.url)
    messages.take([RAW])
    yield messages
    messages.close()


def send(client, to_path, **fields):
    token = client.get("/").text.partition('name="csrf" content="')[2].partition('"')[0]
    return client.post(to_path, data={"csrf": token, **fields})


def unmask(client):
    assert send(client, "/unmask", to="/", reason="INC-77 call").status_code == 303
    return client


def test_a_masked_viewer_changes_a_field_without_seeing_the_others(site, stored):
    client = site.signed_in("support")
    page = client.get("/messages/1/copy").text
    assert '<textarea id="text"' not in page
    assert "Okafor" not in page
    answer = send(client, "/messages/1/copy/try", path="PID-8", value="F")
    assert answer.status_code == 200
    assert "Nothing was stored, nothing was sent." in answer.text
    assert "&#34;gender&#34;: &#34;female&#34;" in answer.text
    assert "Okafor" not in answer.text


def test_the_text_is_edited_by_who_sees_values(site, stored):
    client = unmask(site.signed_in("support"))
    assert "Okafor^Adaeze" in client.get("/messages/1/copy").text
    text = RAW.replace("\r", "\r\n").replace("|X", "|F")
    answer = send(client, "/messages/1/copy/try", text=text)
    assert "PID[1]-8[1].1.1" in answer.text
    answer = send(client, "/messages/1/copy", text=text, reason="sex was X")
    assert answer.headers["location"] == "/copies/1"
    (copy,) = stored.state.copies.claim(["adt"], 60.0)
    assert copy.raw == RAW.replace("|X", "|F").encode()


def test_a_text_from_a_masked_viewer_is_not_taken(site, stored):
    client = site.signed_in("support")
    fields = {"text": "MSH|^~\\&|forged\r", "reason": "long enough"}
    assert send(client, "/messages/1/copy", **fields).status_code == 422
    assert not stored.state.copies.any_waiting()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"path": "PID-8", "value": "F"}, "say why"),
        ({"path": "nope", "value": "F", "reason": "long enough"}, "is no field"),
        ({"reason": "long enough"}, "nothing was changed"),
    ],
)
def test_what_cannot_be_stored_says_so_and_keeps_what_was_typed(site, stored, fields, said):
    answer = send(site.signed_in("support"), "/messages/1/copy", **fields)
    assert answer.status_code == 422
    assert said in answer.text
    for value in fields.values():
        assert f'value="{value}"' in answer.text


def test_a_copy_on_its_way_leads_to_its_message(site, stored):
    client = site.signed_in("support")
    send(client, "/messages/1/copy", path="PID-8", value="F", reason="sex was X")
    assert "on its way" in client.get("/copies/1").text
    assert "on its way" in client.get("/messages/1").text
    (copy,) = stored.state.copies.claim(["adt"], 60.0)
    message_id = stored.receive(copy.raw, "adt", source=copy.source)
    stored.process()
    assert client.get("/copies/1").headers["location"] == f"/messages/{message_id}"
    part = client.get("/copies/1", headers={"HX-Request": "true"})
    assert part.headers["hx-redirect"] == f"/messages/{message_id}"
    page = client.get(f"/messages/{message_id}").text
    assert 'An edited copy of <a href="/messages/1">' in page
    assert "sex was X" in page
    assert f"/messages/{message_id}" in client.get("/copies/1").headers["location"]


def test_it_needs_the_right(site, stored):
    client = site.signed_in("operator")
    assert client.get("/messages/1/copy").status_code == 403
    assert send(client, "/messages/1/copy", path="PID-8", value="F").status_code == 403
    assert "Edit a copy" not in client.get("/messages/1").text


def test_messages_are_chosen_for_a_replay(site, stored):
    client = site.signed_in("support")
    assert 'name="message_id" value="1"' in client.get("/messages").text
    assert 'name="message_id" value="1"' in client.get("/messages/1").text
    assert 'name="message_id"' not in site.signed_in("viewer").get("/messages").text
