"""``/docs`` in a browser: it shows the API, and REPORT can be tried from it."""

import json
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from typing import Literal
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service as Driver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support import expected_conditions
from selenium.webdriver.support.wait import WebDriverWait

from tests.service.servers import new_admin
from tests.service.servers import Pair
from tests.service.servers import Server

PATIENCE = 60

# No traffic of the browser's own: only what the page wants may be seen.
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1200,1600",
)


class Running(NamedTuple):
    """A service, and the keypair of its administrator."""

    server: Server
    admin: Pair


class Browser:
    """Chromium, and what has happened in it since it was started."""

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver
        self._console: list[dict[str, Any]] = []
        self._events: list[dict[str, Any]] = []

    def find(self, selector: str, within: WebElement | None = None) -> WebElement:
        """Return the element, as soon as it can be seen."""
        root = within or self.driver

        def visible(_: object) -> WebElement | Literal[False]:
            found = root.find_elements(By.CSS_SELECTOR, selector)
            return next((e for e in found if e.is_displayed()), False)

        what = f"{selector} was not shown: {self.console()}"
        return WebDriverWait(self.driver, PATIENCE).until(visible, what)

    def click(self, selector: str, within: WebElement | None = None) -> None:
        """Click on the element, wherever on the page it is."""
        element = self.find(selector, within)
        self.driver.execute_script(
            "arguments[0].scrollIntoView({block: 'center'})", element
        )
        WebDriverWait(self.driver, PATIENCE).until(
            expected_conditions.element_to_be_clickable(element)
        ).click()

    def type(self, selector: str, text: str, within: WebElement | None = None) -> None:
        """Type *text* over what the field holds."""
        field = self.find(selector, within)
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(text)

    def console(self) -> list[dict[str, Any]]:
        """Return all messages of the console; breaches of the policy are among them."""
        self._console += self._log("browser")
        return self._console

    def events(self, method: str) -> list[dict[str, Any]]:
        """Return the DevTools events of this name that came of requests of a page."""
        for entry in self._log("performance"):
            self._events.append(json.loads(entry["message"])["message"])
        # Chromium starts with a page of its own, which fetches what it is denied.
        asked = {
            e["params"]["requestId"]
            for e in self._events
            if e["method"] in ("Network.requestWillBeSent", "Network.webSocketCreated")
            and not e["params"].get("documentURL", "").startswith("chrome:")
        }
        named = [e["params"] for e in self._events if e["method"] == method]
        return [params for params in named if params["requestId"] in asked]

    def requests(self) -> list[dict[str, Any]]:
        """Return what was asked of any host."""
        sent = [e["request"] for e in self.events("Network.requestWillBeSent")]
        sockets = self.events("Network.webSocketCreated")
        return [r for r in sent + sockets if _is_web(r)]

    def resources(self) -> list[str]:
        """Return the addresses that the page itself says it has loaded from."""
        names: list[str] = self.driver.execute_script(
            "return performance.getEntries().map(e => e.name)"
            ".filter(name => /^(https?|wss?):/.test(name))"
        )
        return names

    def _log(self, kind: str) -> Any:
        return self.driver.get_log(kind)  # type: ignore[no-untyped-call]


def _is_web(request: dict[str, Any]) -> bool:
    return urlsplit(request["url"]).scheme in {"http", "https", "ws", "wss"}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Return a running service."""
    directory = tmp_path_factory.mktemp("docs")
    with Server(directory, "--workers", "1", logs=directory / "log") as server:
        yield Running(server, new_admin(directory))


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    """Return a new Chromium that has seen nothing yet."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("Chromium is not installed (Debian: chromium, chromium-driver).")
    options = Options()
    options.binary_location = chromium
    for flag in (*_FLAGS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    logs = {"browser": "ALL", "performance": "ALL"}
    options.set_capability("goog:loggingPrefs", logs)
    chrome = Chrome(options, Driver(driver))
    try:
        yield Browser(chrome)
    finally:
        with suppress(OSError):
            chrome.quit()


def test_the_page_shows_the_api_and_asks_no_other_host(
    browser: Browser, running: Running
) -> None:
    origin = f"http://{running.server.bind}"

    browser.driver.get(f"{origin}/docs")

    assert "OAS 3.2" in browser.find(".information-container").text
    spec = running.server.ask("GET", "/openapi.json").json
    documented = {
        (method, path)
        for path, item in spec["paths"].items()
        for method in (*item, *item.get("additionalOperations", ()))
        if method not in {"parameters", "additionalOperations"}
    }
    browser.find(".opblock")
    shown = {
        (_text(block, ".opblock-summary-method"), _text(block, ".opblock-summary-path"))
        for block in browser.driver.find_elements(By.CSS_SELECTOR, ".opblock")
    }
    assert shown == {(method.upper(), path) for method, path in documented}
    assert ("REPORT", "/v2/admin/keypairs/{user}") in shown
    _assert_quiet(browser, origin)


def test_report_is_executed_from_the_page(browser: Browser, running: Running) -> None:
    """With credentials and a body that are typed into it."""
    origin = f"http://{running.server.bind}"
    user, path = "josé@example.com", "/v2/admin/keypairs/jos%C3%A9@example.com"
    first, second = (
        running.server.ask("POST", f"{path}/create", running.admin).json["accessKey"]
        for _ in range(2)
    )
    body = {"paging": {"size": 1, "index": 1}}
    browser.driver.get(f"{origin}/docs")

    browser.click(".scheme-container button.authorize")
    dialog = browser.find(".modal-ux .auth-container")
    assert dialog.text.startswith("basic")
    browser.type("#auth-basic-username", running.admin[0], dialog)
    browser.type("#auth-basic-password", running.admin[1], dialog)
    browser.click("button.authorize", dialog)
    browser.click(".modal-ux .close-modal")

    browser.click("#operations-keysvc-keypairs-listKeypairs .opblock-summary-control")
    block = browser.find("#operations-keysvc-keypairs-listKeypairs.is-open")
    browser.click(".try-out__btn", block)
    browser.type("[data-param-name=user] input", user, block)
    browser.type("textarea.body-param__text", json.dumps(body), block)
    browser.click("button.execute", block)

    answer = browser.find(".live-responses-table tr.response", block)
    assert _text(answer, ".response-col_status").startswith("200")
    told = json.loads(_text(answer, ".response-col_description .highlight-code code"))
    assert told["paging"] == {"pages": 2, "count": 2}
    assert [item["accessKey"] for item in told["items"]] == [second]
    assert first not in answer.text
    assert "curl -X 'REPORT'" in _text(block, ".curl-command")

    [sent] = [r for r in browser.requests() if r["method"] == "REPORT"]
    assert json.loads(sent["postData"]) == body
    headers = {name.lower(): value for name, value in sent["headers"].items()}
    assert headers["authorization"].startswith("Basic ")
    _assert_quiet(browser, origin)


def test_a_browser_is_led_to_the_page_and_curl_is_not(
    browser: Browser, running: Running
) -> None:
    origin = f"http://{running.server.bind}"

    browser.driver.get(f"{origin}/")

    assert browser.driver.current_url == f"{origin}/docs"
    browser.find(".opblock")
    _assert_quiet(browser, origin)
    for accept in ({"Accept": "*/*"}, {}):
        told = running.server.ask("GET", "/", headers=accept)
        assert told.status == 200
        assert told.headers["Content-Type"] == "application/json"
        assert told.json["service"] == "keysvc"
        assert told.json["docs"] == "/docs"


def _text(within: WebElement, selector: str) -> str:
    # The browser puts zero-width spaces where a long path may be broken.
    text: str = within.find_element(By.CSS_SELECTOR, selector).text
    return text.replace("\u200b", "").strip()


def _assert_quiet(browser: Browser, origin: str) -> None:
    """Hold that no other host was asked, and that nothing went wrong."""
    asked = [r["url"] for r in browser.requests()]
    assert f"{origin}/openapi.json" in asked
    assert f"{origin}/openapi.json" in browser.resources()
    for url in (*asked, *browser.resources()):
        assert url.startswith(f"{origin}/")
    # Advice on the page's markup is at the level DEBUG.
    levels = {"INFO", "WARNING", "SEVERE"}
    assert [m for m in browser.console() if m["level"] in levels] == []
    assert browser.events("Network.loadingFailed") == []
    statuses = [
        event["response"]["status"]
        for event in browser.events("Network.responseReceived")
        if _is_web(event["response"])
    ]
    assert statuses
    assert set(statuses) == {200}
