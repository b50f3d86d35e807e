"""What must hold between channels."""

import pytest

from engine.channel.lint import check_configuration


def channel(name: str, listener: str = "mllp: {port: 2575}", more: str = "") -> str:
    return (
        f"channel: {name}\nlistener: {{{listener}}}\n{more}\n"
        f"destinations:\n  - mllp: {{name: out, host: lab, port: 2600}}\n"
    )


def codes(*texts: str, maps: tuple[str, ...] | None = None) -> list[tuple[str, str | None]]:
    files = {f"channels/{index}.yaml": text for index, text in enumerate(texts)}
    _, problems = check_configuration(files, {}, known_maps=maps, known_overlays=["overlays/north"])
    return [(found.code, found.place.file) for found in problems]


SECOND = "channels/1.yaml"


def test_channels_share_a_port_when_their_routes_are_disjoint():
    adt = channel("adt", more="route: {MSH-9.1: ADT}")
    oru = channel("oru", more="route: {MSH-9.1: [ORU, ORM]}")
    rest = channel("rest")
    assert codes(adt, oru, rest) == []
    assert codes(channel("adt", more="route: {MSH-9: ADT}"), oru, rest) == []


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        ("MSH-9.1: ADT", "MSH-9.1: ADT", "C454"),
        ("MSH-9.1: ADT", "MSH-9.1: ADT, MSH-9.2: A01", "C454"),
        ("MSH-9.1: [ADT, ORU]", "MSH-9.1: [ORU, ORM]", "C453"),
        ("MSH-9.1: ADT", "MSH-4.1: NORTH", "C453"),
        ("MSH-9: ADT", "MSH-9.1: ADT", "C454"),
    ],
)
def test_routes_that_share_messages_are_refused(first: str, second: str, code: str):
    texts = (
        channel("one", more=f"route: {{{first}}}"),
        channel("two", more=f"route: {{{second}}}"),
    )
    assert codes(*texts) == [(code, SECOND)]


def test_the_wider_route_makes_the_narrower_channel_unreachable_wherever_it_stands():
    narrow = channel("narrow", more="route: {MSH-9.1: ADT, MSH-9.2: A01}")
    wide = channel("wide", more="route: {MSH-9.1: ADT}")
    assert codes(narrow, wide) == [("C454", "channels/0.yaml")]


def test_two_channels_without_a_route_on_one_port_are_refused():
    assert codes(channel("one"), channel("two")) == [("C454", SECOND)]


def test_listener_blocks_of_one_port_must_agree():
    one = channel("one", more="route: {MSH-9.1: ADT}")
    two = channel("two", "mllp: {port: 2575, connections_max: 7}", "route: {MSH-9.1: ORU}")
    assert codes(one, two) == [("C452", SECOND)]


@pytest.mark.parametrize("listener", ["http: {port: 2575}", "mllp: {port: 2575, address: 0.0.0.0}"])
def test_a_port_taken_by_another_kind_or_address_is_a_clash(listener: str):
    assert codes(channel("one"), channel("two", listener)) == [("C451", SECOND)]


def test_different_ports_paths_and_disabled_channels_do_not_clash():
    assert codes(channel("one"), channel("two", "mllp: {port: 2576}")) == []
    assert codes(channel("one"), channel("two", more="enabled: false")) == []
    assert (
        codes(
            channel("one", "http: {port: 80, path: /a}"),
            channel("two", "http: {port: 80, path: /b}"),
        )
        == []
    )


def test_a_channel_with_a_faulty_route_is_not_blamed_for_an_overlap_too():
    one = channel("one", more="route: {MSH-9.1: ADT}")
    two = channel("two", more="route: {PID-3: X}")
    assert codes(one, two) == [("C442", SECOND)]


def test_channel_names_are_unique():
    two = channel("one", "mllp: {port: 2576}")
    assert codes(channel("one"), two) == [("C450", SECOND)]


def test_a_folder_may_not_be_written_by_the_engine_that_polls_it():
    polled = channel("in", "directory: {path: data/in}")
    writing = channel("out") + "  - file: {name: copy, path: data/./in, content: message}\n"
    assert codes(polled, writing) == [("C455", SECOND)]


def test_unknown_maps_and_overlays_are_named():
    text = channel(
        "one", more="transform: {map: ADT_A99, overlays: [overlays/nord, overlays/north]}"
    )
    assert [code for code, _ in codes(text, maps=("ADT_A01",))] == ["C445", "C446"]


def test_the_maps_known_may_depend_on_the_overlays_of_the_channel():
    def maps(overlays: tuple[str, ...]) -> list[str]:
        return ["ADT_A01", *overlays]

    text = channel("one", more="transform: {map: north, overlays: [north]}")
    other = channel("two", "mllp: {port: 2576}", "transform: {map: north}")
    _, problems = check_configuration({"1": text, "2": other}, {}, known_maps=maps)
    assert [(found.code, found.place.file) for found in problems] == [("C445", "2")]


def test_a_bundle_destination_needs_a_map():
    text = channel("one", more="transform: {map: none}")
    fhir = '  - fhir: {name: records, url: "http://x"}\n'
    assert codes(text) == []
    assert [code for code, _ in codes(text + fhir)] == ["C432"]


def test_a_project_without_channels_is_a_problem():
    assert [code for code, _ in codes()] == ["C456"]
