"""Every tab as a person uses it, in headless Chromium, at the width of a desktop and of a phone."""

import json
import os
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

import gantools
from tests.ui.served import PICTURE, needs_gradio, serving, train_attributes

pytestmark = [
    pytest.mark.slow,
    needs_gradio,
    pytest.mark.skipif(
        find_spec("selenium") is None or not shutil.which("chromedriver"), reason="needs selenium and chromedriver"
    ),
]


class Person:
    """Sees the page at one width, and touches it."""

    def __init__(self, url, width):
        from selenium import webdriver

        options = webdriver.ChromeOptions()
        for word in ("--headless=new", "--no-sandbox", "--no-proxy-server", "--disable-dev-shm-usage"):
            options.add_argument(word)
        options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
        self.browser = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
        screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        self.width, self.url = width, url
        self.browser.get(url)

    def wait(self, selector, count=1, text="", seconds=60, then=None):
        """Return once there are so many parts with that text; do ``then`` to the first, again if it is replaced."""
        from selenium.common.exceptions import StaleElementReferenceException
        from selenium.webdriver.support.ui import WebDriverWait

        def found(browser):
            parts = [part for part in browser.find_elements("css selector", selector) if text in part.text]
            if len(parts) < count:
                return False
            if then is not None:
                then(parts[0])
            return True

        patient = WebDriverWait(self.browser, seconds, ignored_exceptions=[StaleElementReferenceException])
        patient.until(found, f"{count} of {selector}, with {text!r}")

    def click(self, selector, text=""):
        def press(part):
            self.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", part)
            part.click()

        self.wait(selector, text=text, then=press)

    def write(self, selector, text):
        self.wait(selector, then=lambda part: part.send_keys(text))

    def choose(self, list_id, option):
        self.click(f"#{list_id} input")
        self.click("ul[role=listbox] li, [role=option]", option)

    def look(self, name):
        """Keep what is seen in the folder that GANTOOLS_SCREENSHOTS names, and make sure that it fits the width."""
        wide = self.browser.execute_script("return document.documentElement.scrollWidth")
        assert wide <= self.width, f"{name} is {wide} pixels wide on a screen of {self.width}"
        if "GANTOOLS_SCREENSHOTS" in os.environ:
            import time

            time.sleep(1.5)  # until what moves stands still
            self.browser.execute_script("window.scrollTo(0, 0)")
            self.browser.save_screenshot(str(Path(os.environ["GANTOOLS_SCREENSHOTS"]) / f"{name}-{self.width}.png"))

    def elsewhere(self):
        """Return the addresses asked for that are not the page's own."""
        events = (json.loads(entry["message"])["message"] for entry in self.browser.get_log("performance"))
        asked = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
        assert len(asked) > 10
        return [url for url in asked if not url.startswith((self.url, "data:", "blob:", "chrome:"))]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A served page beside two short runs."""
    from tests.conftest import EXAMPLES

    folder = tmp_path_factory.mktemp("page")
    train_attributes(folder / "runs" / "stargan" / "1")
    sides = {"a": str(EXAMPLES / "noto"), "b": str(EXAMPLES / "fluent3d")}
    tiny = {"size": 32, "width": 8, "blocks": 1, "d_layers": 2, "steps": 40, "log_every": 4, "device": "cpu"}
    for number, objective in enumerate(("lsgan", "hinge"), start=1):
        out = folder / "runs" / "cyclegan" / str(number)
        gantools.train("cyclegan", **sides, **tiny, objective=objective, out=out, quiet=True)
    with serving(folder) as (url, _, _):
        yield url, folder


@pytest.mark.parametrize("width", [1280, 390])
def test_every_tab(page, width):
    url, folder = page
    person = Person(url, width)
    try:
        person.wait("#t-weights input")
        person.write("input[type=file]", str(PICTURE.absolute()))
        person.wait("#t-source img")
        person.click("#t-go")
        person.wait("#t-slider img", 2)
        person.wait("#t-remark", text="64 x 64")
        person.look("translate")
        person.choose("t-weights", "emoji-styles")
        person.choose("t-to", "twemoji")
        person.click("#t-go")
        person.wait("#t-remark", text="64 x 64")
        person.wait("#t-file:not([disabled])")
        person.choose("t-weights", "runs/stargan/1")
        person.wait("#t-change", text="Known: Dark, Old")
        person.write("#t-change textarea, #t-change input", "+Dark,-Old")
        person.click("#t-go")
        person.wait("#t-remark", text="64 x 64")
        person.look("attributes")

        person.click("button[role=tab]", "generate")
        person.write("#g-prompt textarea, #g-prompt input", "a red bird")
        person.write("#g-other textarea, #g-other input", "a blue fish")
        person.click("#g-go")
        person.wait("#g-gallery img", 4)
        person.look("generate")

        person.click("button[role=tab]", "runs")
        person.wait("#r-left-state", text="step 40")
        person.wait("#r-right-curves img")
        person.look("runs")
        log = folder / "runs" / "cyclegan" / "1" / "log.jsonl"
        log.write_text(log.read_text() + json.dumps({"step": 40 + width, "g/cycle_a": 1.0}) + "\n")
        person.wait("[id^=r-][id$=-state]", text=f"step {40 + width:,}")

        person.click("button[role=tab]", "weights")
        person.wait("#w-card", text="emoji-colour")
        person.look("weights")
        person.choose("w-weights", "emoji-words")
        person.wait("#w-card", text="text2image")
        person.click("#w-header button", "header")
        person.wait("#w-header", text="text2image")
        assert not person.elsewhere()
    finally:
        person.browser.quit()
