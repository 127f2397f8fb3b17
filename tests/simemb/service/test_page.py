"""The page to search with, by clicking and typing in Chromium; and the commands of docs/serving.md."""

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from simemb.search.index import Index
from simemb.service.state import Service

ROOT = Path(__file__).resolve().parents[3]
PLAIN = ["A man plays a guitar.", "An orchestra plays a symphony.", "The weather is fine.", "A dog runs in the park."]
HOSTILE = [
    "<img src=x onerror=\"document.title='pwned'\">",
    "</script><script>document.title='pwned'</script>",
    "\u202eoverride and \x00 zero \x1b[2J",
    "{{7*7}} ${document.title='pwned'} &lt;b&gt;",
    "a\nb " + "long" * 300,
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, if it and playwright are here."""
    playwright = pytest.importorskip("playwright.sync_api")
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("needs Chromium")
    with playwright.sync_playwright() as program:
        yield program.chromium.launch(executable_path=path, args=["--no-sandbox"])


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A tab; the test fails if its console has said anything, as of a policy that was broken."""
    tab, said = browser.new_page(), []
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    yield tab
    tab.close()
    assert [line for line in said if "401" not in line] == []


def hits(tab: Any, at: int = 0) -> list[str]:
    return tab.locator(".shelf").nth(at).locator("ol .text").all_text_contents()


def until(tab: Any, condition: str, argument: Any = None) -> None:
    """Wait for a condition; playwright's own way needs `eval`, which the policy of the page forbids."""
    for _ in range(400):
        if tab.evaluate(condition, argument):
            return
        tab.wait_for_timeout(50)
    raise AssertionError(condition)


def ask(tab: Any, words: str) -> None:
    tab.fill("#query", words)
    until(tab, "document.querySelector('#status').textContent.includes('hit')")
    until(tab, "document.querySelector('figure svg .dot.hit')")


def test_hits_follow_what_is_typed_and_keys_lead_through_them(page: Any, url: str, mini: Any) -> None:
    page.goto(url)
    ask(page, "Somebody is making music.")
    expected = Index.build(mini, PLAIN).search("Somebody is making music.", 4)
    assert hits(page) == [hit.text for hit in expected]
    assert page.locator("ol .score").first.text_content() == f"{expected[0].score:.3f}"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.querySelector('.text').textContent") == expected[1].text
    assert page.locator("figure .dot.lit").count() == 1
    page.keyboard.press("Enter")
    until(page, "text => document.querySelector('ol .text').textContent === text", expected[1].text)
    assert page.input_value("#query") == expected[1].text
    page.fill("#contains", "guitar")
    until(page, "document.querySelectorAll('ol li').length === 1")
    assert hits(page) == ["A man plays a guitar."]
    page.reload()  # the address keeps what was asked
    until(page, "document.querySelectorAll('ol li').length === 1")
    page.fill("#query", "")
    until(page, "document.querySelectorAll('ol li').length === 0")


def test_hostile_texts_stay_texts(page: Any, mini: Any, served: Any) -> None:
    name = "<b>index</b>"
    with served(Service(mini, name="mini", indexes={name: Index.build(mini, HOSTILE)})) as address:
        page.goto(address)
        ask(page, "img src onerror")
        assert sorted(hits(page)) == sorted(text.replace("\x00", "\x00") for text in HOSTILE)
        assert page.locator("h2").text_content() == name
        assert page.locator("main img, main script, ol b, h2 b").count() == 0
        box = page.locator("figure .dot").first.bounding_box()
        page.mouse.move(box["x"] + 2, box["y"] + 2)
        assert page.locator(".tip").text_content() in [text[:200] for text in HOSTILE]
        assert page.title() == "simemb: search by meaning"
        page.goto("about:blank")


def test_two_indexes_stand_side_by_side_on_a_desktop_and_below_each_other_on_a_phone(
    page: Any, mini: Any, prompted_mini: Any, served: Any
) -> None:
    indexes = {"one": Index.build(mini, PLAIN), "two": Index.build(prompted_mini, PLAIN[::-1])}
    with served(Service(mini, name="mini", indexes=indexes)) as address:
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(address)
        ask(page, "music")
        assert sorted(hits(page, 0)) == sorted(hits(page, 1)) == sorted(PLAIN)
        assert "in the other" in page.locator(".note").first.text_content()
        first, second = (page.locator(".shelf").nth(at).bounding_box() for at in (0, 1))
        assert first["y"] == second["y"]
        page.set_viewport_size({"width": 390, "height": 844})
        first, second = (page.locator(".shelf").nth(at).bounding_box() for at in (0, 1))
        assert first["y"] < second["y"]
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.select_option("#index", "two")
        until(page, "document.querySelectorAll('.shelf').length === 1")
        page.goto("about:blank")


def test_a_key_is_asked_for_and_kept(page: Any, mini: Any, served: Any) -> None:
    service = Service(mini, name="mini", key="a-key-of-24-characters-x", indexes={"one": Index.build(mini, PLAIN)})
    with served(service) as address:
        page.goto(address)
        page.fill("#key", "wrong")
        page.click("#unlock button")
        until(page, "document.querySelector('#status').textContent.includes('missing or wrong')")
        page.fill("#key", service.key)
        page.click("#unlock button")
        ask(page, "music")
        page.reload()
        ask(page, "a pet")
        assert page.locator("#unlock").is_hidden()
        page.goto("about:blank")  # before the server ends


def test_everything_has_a_name_for_who_cannot_see_it(page: Any, url: str) -> None:
    page.goto(url)
    ask(page, "music")
    assert page.get_by_role("searchbox", name="What are you looking for?").count() == 1
    assert page.get_by_role("list", name="Hits of small").count() == 1
    assert page.get_by_role("img", name="Map of All 4 texts").count() == 1
    assert page.get_by_role("status").text_content()
    unnamed = "[...document.querySelectorAll('input, select')].filter(field => !field.labels.length).length"
    assert page.evaluate(unnamed) == 0


def test_the_commands_of_the_docs_work(url: str) -> None:
    (block,) = re.findall(
        r"```sh curl\n(.*?)```", (ROOT / "docs" / "serving.md").read_text(encoding="utf-8"), re.DOTALL
    )
    for line in block.splitlines():
        program, place, *words = shlex.split(line)
        path = place.removeprefix("localhost:8000")
        body = words[words.index("-d") + 1] if words else None
        headers = dict([words[words.index("-H") + 1].split(": ")]) if words else {}
        answer = httpx2.request("POST" if body else "GET", url + path, content=body, headers=headers)
        assert (program, answer.status_code) == ("curl", 200), line
