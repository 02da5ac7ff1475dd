import threading
import time

import pytest

from app.web.shelf import read_slip

INVITATION = "come-in"


def until(true, within_s=60):
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.slow
def test_twenty_people_who_ask_at_once_are_answered_in_order_and_none_is_lost(serve, slow, house):
    door = serve(session=slow, invitation=INVITATION)
    people = [door.entered(INVITATION) for _ in range(20)]
    asked = []
    for person in people:
        asked.append(person.ask("Knock out HSPA5 in K562: what happens to DDIT3?"))
    assert "19 before it in the queue" in people[-1].get(asked[-1]).text
    slow.gate.set()
    for person, address in zip(people, asked, strict=True):
        assert "DDIT3 goes up" in person.answered(address, within_s=300)
    assert slow.resumed == [address.rpartition("/")[2] for address in asked]


def test_one_person_cannot_fill_the_queue(serve, slow, monkeypatch):
    monkeypatch.setattr("app.web.routes.ask.MOST_WAITING", 2)
    visitor = serve(session=slow)
    for _ in range(3):  # one is being answered
        visitor.ask()
        until(lambda: slow.resumed)
    refused = visitor.post("/ask", {"text": "Knock out ATF4 in K562: what happens to DDIT3?"})
    assert refused.status_code == 422
    assert "wait already" in refused.text


def test_people_who_press_at_the_same_moment_are_all_answered(serve, house):
    door = serve(invitation=INVITATION)
    people = [door.entered(INVITATION) for _ in range(6)]
    asked = {}

    def press(number):
        asked[number] = people[number].ask("Knock out HSPA5 in K562: what happens to DDIT3?")

    presses = [threading.Thread(target=press, args=(number,)) for number in range(6)]
    for one in presses:
        one.start()
    for one in presses:
        one.join()
    assert all("DDIT3 goes up" in people[n].answered(asked[n], 300) for n in range(6))


def test_a_run_is_stopped_and_gone_on_with(serve, slow):
    visitor = serve(session=slow)
    address = visitor.ask()
    until(lambda: slow.resumed)
    visitor.post(f"{address}/stop")
    until(lambda: "Stopped" in visitor.get(address).text)
    slow.gate.set()
    visitor.post(f"{address}/resume")
    assert "DDIT3 goes up" in visitor.answered(address)


def test_a_run_that_waits_is_stopped_before_it_begins(serve, slow):
    visitor = serve(session=slow)
    first = visitor.ask()
    second = visitor.ask("Knock out ATF4 in K562: what happens to DDIT3?")
    visitor.post(f"{second}/stop")
    assert "Stopped" in visitor.get(second).text
    slow.gate.set()
    visitor.answered(first)
    assert len(slow.resumed) == 1


def test_a_run_that_is_being_answered_can_be_deleted(serve, slow, house):
    visitor = serve(session=slow)
    address = visitor.ask()
    until(lambda: slow.resumed)
    assert visitor.post(f"{address}/delete").status_code == 303
    assert visitor.get(address).status_code == 404
    assert not list(house.runs.glob("2*"))
    slow.gate.set()
    assert "DDIT3 goes up" in visitor.answered(visitor.ask())


def test_a_server_that_ends_in_mid_answer_loses_no_run(serve, slow, house):
    visitor = serve(session=slow)
    first, second = visitor.ask(), visitor.ask("Knock out ATF4 in K562: what happens to DDIT3?")
    until(lambda: slow.resumed)
    visitor.client.__exit__(None, None, None)
    names = [one.rpartition("/")[2] for one in (first, second)]
    assert [read_slip(house.runs / name).state for name in names] == ["queued", "queued"]
    again = serve()
    assert "DDIT3 goes up" in again.answered(first)
    assert "answer-head" in again.answered(second)


def test_the_steps_are_streamed_and_a_page_that_comes_back_gets_the_rest(visitor):
    address = visitor.ask()
    visitor.answered(address)
    stream = visitor.get(f"{address}/steps").text
    assert "event: step" in stream
    assert stream.rstrip().endswith('data: {"state": "finished"}')
    steps = stream.count("event: step")
    later = visitor.get(f"{address}/steps", headers={"last-event-id": "3"}).text
    assert later.count("event: step") == steps - 3


def test_what_cannot_be_gone_on_with_says_why_and_the_others_are_answered(visitor, house):
    broken = visitor.ask()
    folder = house.runs / broken.rpartition("/")[2]
    visitor.answered(broken)
    (folder / "result.json").unlink()
    (folder / "checkpoints.sqlite").write_bytes(b"no database")
    visitor.post(f"{broken}/resume")
    page = visitor.answered(broken)
    assert "is damaged" in page
    assert "DDIT3 goes up" in visitor.answered(visitor.ask())


def test_a_session_that_cannot_be_opened_is_told_on_the_page(house):
    from starlette.testclient import TestClient

    from app.web.server import create_app
    from knowledge.errors import DataError

    def broken():
        raise DataError("The tables are damaged; pull them again.")

    app = create_app(house, opened=broken)
    with TestClient(app, base_url="http://127.0.0.1:8642") as client:
        page = client.get("/?q=HSPA5+knockout+in+K562")
    assert page.status_code == 422
    assert "pull them again" in page.text


def test_two_servers_never_answer_the_same_runs(serve, house, opened):
    from starlette.testclient import TestClient

    from app.web.server import create_app
    from knowledge.errors import RunError

    serve()
    with pytest.raises(RunError, match="Another `knockwise web`"):
        TestClient(create_app(house, opened=lambda: opened)).__enter__()
