"""The users screen, one's own page, and the audit screen."""

import csv
import io

from consoles import PASSWORD, Site, post

from engine.runtime.desk.audit import Act, record
from engine.runtime.desk.rights import everything
from engine.store.desk.rows import AuditSearch

NEW = {"name": "Olga", "password": PASSWORD, "role": "operator", "all_channels": "on"}


def sign_in(site: Site, name: str, password: str = PASSWORD):
    client = site.browser()
    form = {"name": name, "password": password}
    return client, post(client, "/sign-in", form, page="/sign-in").status_code


def test_a_user_is_added_changed_and_locked_out(site):
    boss = site.signed_in("administrator")
    assert post(boss, "/users", NEW).headers["location"] == "/users/olga"
    olga, status = sign_in(site, "olga")
    assert status == 303
    assert post(olga, "/channels/adt/control", {"mode": "pause"}).status_code == 404
    changed = {"role": "viewer", "channels": "adt oru", "enabled": "on"}
    assert post(boss, "/users/olga", changed).status_code == 303
    assert olga.get("/").status_code == 303  # signed out by the change
    with site.desk.store() as store:
        user = store.user("olga")
    assert (user.roles, user.channels) == (("viewer",), ("adt", "oru"))
    assert post(boss, "/users/olga", {"role": "viewer"}).status_code == 303
    assert sign_in(site, "olga")[1] == 422


def test_what_is_not_fit_is_said_and_changes_nothing(site):
    boss = site.signed_in("administrator")
    for wrong in (
        {"name": "a b"},
        {"password": "short"},
        {"password": "olga olga olga"},
        {"role": "chief"},
        {"name": "administrator0"},
    ):
        answer = post(boss, "/users", NEW | wrong)
        assert answer.status_code == 422
        assert 'role="alert"' in answer.text
    with site.desk.store() as store:
        assert [one.name for one in store.users()] == ["administrator0"]


def test_the_last_administrator_cannot_be_taken_away(site):
    boss = site.signed_in("administrator")
    for wish in ({"role": "viewer", "enabled": "on"}, {"role": "administrator"}):
        answer = post(boss, "/users/administrator0", wish)
        assert answer.status_code == 422
        assert "must keep the role" in answer.text


def test_an_account_of_the_system_acts_as_one_user_only(site):
    boss = site.signed_in("administrator")
    assert post(boss, "/users", NEW | {"os_account": "ops"}).status_code == 303
    answer = post(boss, "/users", NEW | {"name": "other", "os_account": "ops"})
    assert "acts as olga already" in answer.text


def test_one_s_own_password_needs_the_one_in_use(site):
    client = site.signed_in("support")
    wrong = {"before": "not it", "after": "another horse battery"}
    assert post(client, "/account/password", wrong).status_code == 422
    right = {"before": PASSWORD, "after": "another horse battery"}
    assert "is changed" in post(client, "/account/password", right).text
    assert sign_in(site, "support0", "another horse battery")[1] == 303
    assert post(client, "/account/sessions", {}).status_code == 303
    assert client.get("/").status_code == 303


def test_who_looked_at_a_patient_is_asked_by_form_and_leaves_a_trace(site):
    viewer = everything("sam", "console 10.1.2.3")
    record(site.desk, viewer, Act.VIEW, channel="adt", message_id=5, patients=["4711"])
    record(site.desk, viewer, Act.VIEW, channel="adt", message_id=6, patients=["4712"])
    auditor = site.signed_in("auditor")
    page = post(auditor, "/audit", {"patient": "4711"}, page="/audit").text
    assert "message 5" in page
    assert "message 6" not in page
    assert "message 5" in auditor.get("/audit?message=5").text
    with site.desk.store() as store:
        asked = store.audit_rows(AuditSearch(act="audit"))
    assert site.desk.patient_hash("4711") in [one for row in asked for one in row.entry.patients]
    wrong = post(auditor, "/audit", {"since": "yesterday"}, page="/audit")
    assert wrong.status_code == 422
    assert post(auditor, "/audit", {"message": "1 OR 1=1"}, page="/audit").status_code == 422


def test_the_trail_is_verified_and_exported_without_formulas(site):
    record(site.desk, everything("sam", "x"), Act.UNMASK, reason="=HYPERLINK(1)")
    auditor = site.signed_in("auditor")
    assert "as they were recorded" in post(auditor, "/audit/verify", {}, page="/audit").text
    answer = post(auditor, "/audit/export", {"act": "unmask"}, page="/audit")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["reason"] for row in rows] == ["'=HYPERLINK(1)"]
    with site.desk.store() as store, store._database.writing() as transaction:
        transaction.write("UPDATE audit SET reason = 'x' WHERE number = 1")
    assert "broken at entry 1" in post(auditor, "/audit/verify", {}, page="/audit").text


def test_older_entries_are_on_the_next_page(site):
    for number in range(105):
        record(site.desk, everything("sam", "x"), Act.VIEW, message_id=number)
    auditor = site.signed_in("auditor")
    page = post(auditor, "/audit", {"act": "view"}, page="/audit").text
    before = page.partition('name="before" value="')[2].partition('"')[0]
    older = post(auditor, "/audit", {"act": "view", "before": before}, page="/audit").text
    assert "message 0<" in older
    assert "message 104<" not in older
