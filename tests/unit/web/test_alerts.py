"""Alerts: on their page and at the head of the board, within the channels of who looks."""

from consoles import Site
from stored import deliver

from engine.pipeline.rhythm import HOURS_PER_WEEK, HourRhythm
from engine.pipeline.states import State
from engine.runtime.desk.alerts import alerts
from engine.runtime.desk.rights import everything

SAID = "nothing came for 47 min; at this hour it is usually 3 min, at most 9 min"


def begin(site: Site, kind: str, subject: str, said: str = SAID) -> None:
    with site.desk.log() as log:
        assert log.watch.begin_alert(kind, subject, said, site.clock.now - 600)


def test_what_lasts_is_shown_with_its_words_and_leads_to_its_channel(site):
    begin(site, "silence", "lab-results")
    begin(site, "outage", "ehr of adt", "it does not answer (timeout)")
    page = site.signed_in("viewer").get("/alerts").text
    assert "2 alerts at" in page
    assert SAID in page
    assert 'href="/channels/lab-results"' in page
    assert 'ehr of <a href="/channels/adt"' in page
    assert "10 min" in page
    board = site.signed_in("viewer").get("/").text
    assert "Needs attention" in board
    assert SAID in board


def test_a_silence_shows_in_its_channel_s_row_and_the_board_can_show_what_needs_attention(site):
    deliver(site.url, "m1", channel="adt")
    deliver(site.url, "m2", channel="mdm")
    client = site.signed_in("viewer")
    calm = client.get("/?show=attention").text
    assert "No channel needs attention" in calm
    assert 'href="/channels/adt"' not in calm
    begin(site, "silence", "adt")
    board = client.get("/board/rows?show=attention").text
    assert 'class="status status-warn"' in board
    assert "quiet</span>" in board
    assert 'href="/channels/adt"' in board
    assert 'href="/channels/mdm"' not in board
    assert 'href="/channels/mdm"' in client.get("/board/rows").text


def test_the_newest_problems_stand_at_the_head_of_the_board(site):
    deliver(site.url, "m1", state=State.ERROR)
    board = site.signed_in("viewer").get("/").text
    assert 'href="/problems/1">P-1</a>' in board
    assert "P-1" not in site.signed_in("viewer", channels=("other",)).get("/").text


def test_what_is_over_is_listed_for_a_day_and_gone_from_the_board(site):
    begin(site, "queue", "adt", "12 wait, the oldest for 20 min")
    with site.desk.log() as log:
        assert log.watch.end_alert("queue", "adt", site.clock.now - 60)
    client = site.signed_in("viewer")
    page = client.get("/alerts/state").text
    assert "no alert lasts" in page
    assert "queue, over" in page
    assert "Needs attention" not in client.get("/").text
    site.clock.now += 86_400
    assert "queue, over" not in site.signed_in("viewer").get("/alerts").text


def test_a_viewer_of_some_channels_sees_the_alerts_of_these_alone(site):
    begin(site, "silence", "adt")
    begin(site, "silence", "mdm")
    begin(site, "outage", "ehr of mdm")
    begin(site, "disk", "/data", "3% of the disk is free")
    client = site.signed_in("viewer", channels=("adt",))
    for path in ("/alerts", "/"):
        page = client.get(path).text
        assert "adt" in page
        assert "mdm" not in page
        assert "/data" not in page


def test_the_rhythm_says_what_is_usual_at_this_hour_and_when_it_alarms(site):
    deliver(site.url, "m1", channel="adt")
    hour = HourRhythm(longest_seconds=540.0, usual_seconds=180.0, weeks=5)
    with site.desk.log() as log:
        log.watch.keep_rhythm(
            "adt", dict.fromkeys(range(HOURS_PER_WEEK), hour), 0.0, site.clock.now
        )
    found = alerts(site.desk, everything("t", "t"), ["adt", "new"])
    known, new = found.rhythms
    assert (known.usual_seconds, known.longest_seconds, known.alarm_seconds) == (180, 540, 1080)
    assert (new.last_at, new.alarm_seconds) == (None, None)
