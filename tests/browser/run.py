#!/usr/bin/env python3
"""Looks at the page with a real browser.

    python tests/browser/run.py path/to/bedrail path/to/chromium folder/for/screenshots [test …]
"""

import functools
import pathlib
import sys
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from playwright.sync_api import sync_playwright

import fixture
from stage import Case, Stage, until

ADA = "410000000001"
REGION = "us-east-1"
CELL = f"[data-account='{ADA}'] [aria-label$='{REGION}: %s']"

# What a person still takes for at once.
AT_ONCE_MS = 1000


@functools.cache
def recorded():
    """The page as the binary serves it."""
    stage = Stage()
    try:
        return fixture.recorded(stage.url)
    finally:
        stage.close()


class Live(Case):
    """A controller at work."""

    @classmethod
    def setUpClass(cls):
        cls.stage = Stage()
        cls.addClassCleanup(cls.stage.close)
        until("everything is in sync", cls.is_calm)

    @classmethod
    def is_calm(cls):
        overview = cls.stage.get("/api/v1/overview")
        in_sync = overview["counts"].get("InSync")
        return overview["generation"] and not overview["troubles"] and in_sync == 10

    def test_a_cell_drifts_and_comes_back_without_a_reload(self):
        page = self.page(self.stage.url)
        page.wait_for_selector(CELL % "In sync")
        page.evaluate("window.isTheSame = true")
        # Nobody may put it back until it was seen.
        self.stage.faults({"kind": "Denied", "operation": "bedrock:PutEnforced*", "account": ADA})
        self.addCleanup(self.stage.faults)
        bedrock = self.stage.member(ADA, REGION)
        [live] = bedrock.list_enforced_guardrails_configuration()["guardrailsConfig"]
        bedrock.delete_enforced_guardrail_configuration(configId=live["configId"])
        page.wait_for_selector(CELL % "Unprotected")
        self.eventually(page, "the verdict says so", "document.querySelector('h1').textContent.includes('broken')")
        self.eventually(page, "the timeline says so",
                        "document.getElementById('changed').textContent.includes('Not put right')")
        self.shot(page, "drifted-1280")
        self.stage.faults()
        page.wait_for_selector(CELL % "In sync")
        self.eventually(page, "the timeline says what was done, and how to find out by whom",
                        "['ada-sandbox us-east-1', 'Put right', 'Who: unknown', 'aws cloudtrail lookup-events']"
                        ".every((it) => document.querySelector('.k-Drift').textContent.includes(it))")
        self.assertTrue(page.evaluate("window.isTheSame"))
        self.is_content(page)
        self.assertEqual(self.stage.simulator("violations")["violations"], [])

    def test_who_changed_it_is_named_where_aws_says_so(self):
        page = self.page(self.stage.url)
        bedrock = self.stage.member(ADA, "eu-west-1")
        [live] = bedrock.list_enforced_guardrails_configuration()["guardrailsConfig"]
        bedrock.put_enforced_guardrail_configuration(
            configId=live["configId"],
            guardrailInferenceConfig={
                "guardrailIdentifier": live["guardrailArn"], "guardrailVersion": live["guardrailVersion"],
                "selectiveContentGuarding": {"system": "SELECTIVE", "messages": "SELECTIVE"},
                "modelEnforcement": {"includedModels": ["ALL"], "excludedModels": []}})
        self.eventually(page, "the timeline names her",
                        "[...document.querySelectorAll('.k-Drift')].some((it) => "
                        "it.textContent.includes('assumed-role/OrganizationAccountAccessRole/ada')"
                        " && it.textContent.includes('SELECTIVE'))")
        self.is_content(page)

    def test_a_cell_shows_desired_and_live(self):
        page = self.page(self.stage.url)
        page.click(f"[data-account='{ADA}'] [role=gridcell] >> nth=0")
        page.wait_for_selector("#detail dl")
        text = page.inner_text("#detail")
        for said in ["ada-sandbox", ADA, "AccountEnforcement/sandbox-observes", "guardrail observing",
                     "arn:aws:bedrock:eu-west-1:100000000001:guardrail/", "none that would be written"]:
            self.assertIn(said, text)
        self.shot(page, "detail-1280", full=False)
        page.keyboard.press("Escape")
        page.wait_for_selector("#detail", state="hidden")
        # One that an organization policy covers.
        page.click("[data-account='310000000001'] [role=gridcell] >> nth=0")
        page.wait_for_selector("#detail dl")
        self.assertIn("strict-in-production", page.inner_text("#detail"))
        self.is_content(page)

    def test_twelve_accounts_look_well_everywhere(self):
        for width, height in ((1280, 900), (390, 844)):
            for scheme in ("light", "dark"):
                page = self.page(self.stage.url, width, height, scheme)
                fits = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
                self.assertTrue(fits, f"the page scrolls sideways at {width}")
                self.shot(page, f"small-{width}-{scheme}")
                self.is_content(page)


class Restarted(Case):
    """A controller that goes away."""

    def test_the_page_says_loudly_that_it_is_old_and_comes_back_by_itself(self):
        stage = Stage()
        self.addCleanup(stage.close)
        page = self.page(stage.url)
        self.eventually(page, "it is live", "document.getElementById('heard').textContent === 'live'")
        began = time.monotonic()
        stage.controller.terminate()
        self.assertEqual(stage.controller.wait(timeout=20), 0)
        self.assertLess(time.monotonic() - began, 10, "an open page held the stop up")
        page.wait_for_selector("#lost:not([hidden])")
        self.assertIn("last heard", page.inner_text("#lost"))
        self.shot(page, "lost-1280")
        stage.run()
        page.wait_for_selector("#lost", state="hidden")
        self.eventually(page, "it is live again", "document.getElementById('heard').textContent === 'live'")


class Token(Case):
    """A controller that asks for a token."""

    def test_a_token_in_the_address_becomes_a_cookie_and_is_gone_from_it(self):
        token = "canary of a token"
        stage = Stage(BEDRAIL_LISTEN_TOKEN=token)
        self.addCleanup(stage.close)
        page = self.blank()
        self.assertEqual(page.goto(stage.url).status, 401)
        self.assertIn("A token is needed", page.inner_text("body"))
        page.goto(f"{stage.url}/?token={token.replace(' ', '%20')}")
        page.wait_for_selector("#grid .row .cell")
        self.assertEqual(page.url, f"{stage.url}/")
        self.eventually(page, "events come, too", "document.getElementById('heard').textContent === 'live'")
        [cookie] = page.context.cookies()
        self.assertTrue(cookie["httpOnly"])
        self.assertEqual(cookie["sameSite"], "Strict")
        self.assertNotIn("canary", cookie["value"])
        self.assertEqual(page.evaluate("document.cookie"), "")


class Large(Case):
    """1,000 accounts × 17 Regions, some named by somebody who means harm."""

    @classmethod
    def setUpClass(cls):
        cls.large = fixture.Large(recorded())
        cls.addClassCleanup(cls.large.close)

    def took(self, page, change):
        """Milliseconds from a change of the filter until the browser has drawn it."""
        return page.evaluate(
            """([change]) => new Promise((done) => {
                const began = performance.now();
                const field = (id, value) => {
                    const input = document.getElementById(id);
                    input.value = value;
                    input.dispatchEvent(new Event('input', { bubbles: true }));
                };
                if (change.state) document.querySelector(`#legend [data-state=${change.state}]`).click();
                else field(change.field, change.value);
                requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - began)));
            })""", [change])

    def shown(self, page):
        return page.inner_text("#shown")

    def test_filters_answer_at_once(self):
        page = self.page(self.large.url)
        self.assertEqual(self.shown(page), "1,000 of 1,000 accounts, 17,000 cells")
        times = {}
        for change, expected in [
            ({"field": "filter-account", "value": "310000000512"}, "1 of 1,000 accounts, 17 cells"),
            ({"field": "filter-account", "value": "SANDBOX"}, "249 of 1,000 accounts, 4,233 cells"),
            ({"field": "filter-account", "value": ""}, "1,000 of 1,000 accounts, 17,000 cells"),
            ({"field": "filter-unit", "value": "/Workloads"}, "500 of 1,000 accounts, 8,500 cells"),
            ({"field": "filter-unit", "value": ""}, "1,000 of 1,000 accounts, 17,000 cells"),
            ({"field": "filter-region", "value": "us-west-2"}, "1,000 of 1,000 accounts, 1,000 cells"),
            ({"state": "h"}, "20 of 1,000 accounts, 20 cells"),
            ({"field": "filter-region", "value": ""}, "20 of 1,000 accounts, 340 cells"),
            ({"state": "u"}, "22 of 1,000 accounts, 374 cells"),
        ]:
            took = self.took(page, change)
            self.assertEqual(self.shown(page), expected, change)
            self.assertLess(took, AT_ONCE_MS, change)
            times[str(change)] = round(took)
        print("filters, milliseconds:", times)
        self.is_content(page)

    def test_a_new_overview_is_shown_at_once(self):
        page = self.page(self.large.url)
        rows = self.large.overview["accounts"]
        row = next(row for row in rows if row["id"] == "310000000007")
        self.addCleanup(row.update, cells=row["cells"])
        self.eventually(page, "it is unprotected", "document.querySelector"
                        "(\"[data-account='310000000007'] [aria-label$='eu-west-1: Unprotected']\")")
        row["cells"] = row["cells"].replace("u", "s")
        self.large.beats += 1
        self.eventually(page, "two of three are in sync",
                        "document.querySelector('#legend [data-state=u] b').textContent === '1'")
        self.is_content(page)

    def test_the_name_of_an_account_is_text(self):
        page = self.page(self.large.url)
        for index, name in enumerate(fixture.HOSTILE):
            page.fill("#filter-account", fixture.account_id(index))
            self.assertEqual(page.inner_text("#grid .who"), name)
            page.click("#grid [role=gridcell] >> nth=0")
            page.wait_for_selector("#detail dl")
            self.assertIn(name, page.inner_text("#detail-title"))
            page.keyboard.press("Escape")
        self.assertIn(fixture.HOSTILE[0], page.inner_text("#changed"))
        self.assertEqual(page.evaluate("document.querySelectorAll('img, iframe, script:not([src])').length"), 0)
        self.assertNotIn("owned", page.title())
        self.is_content(page)

    def test_a_cell_is_reached_and_opened_without_a_mouse(self):
        page = self.page(self.large.url)
        role = "document.activeElement.getAttribute('role')"
        for _ in range(80):
            if page.evaluate(role) == "gridcell":
                break
            page.keyboard.press("Tab")
        self.assertEqual(page.evaluate(role), "gridcell")
        label = "document.activeElement.getAttribute('aria-label')"
        first = page.evaluate(label)
        for key in ["ArrowDown", "ArrowDown", "ArrowRight", "PageDown", "Control+End"]:
            page.keyboard.press(key)
        last = page.evaluate(label)
        self.assertNotEqual(first, last)
        self.assertIn("us-west-2", last)
        in_view = page.evaluate(
            "(() => { const [cell, grid] = [document.activeElement, document.getElementById('grid')]"
            ".map((it) => it.getBoundingClientRect());"
            " return cell.bottom <= grid.bottom + 1 && cell.right <= grid.right + 1 && cell.top >= grid.top; })()")
        self.assertTrue(in_view, "the focus left what is in view")
        page.keyboard.press("Control+Home")
        self.assertEqual(page.evaluate(label), first)
        # It can be seen where the focus is.
        self.assertNotEqual(page.evaluate("getComputedStyle(document.activeElement).outlineStyle"), "none")
        page.keyboard.press("ArrowRight")
        at = page.evaluate(label)
        page.keyboard.press("Enter")
        page.wait_for_selector("#detail dl")
        page.keyboard.press("Escape")
        page.wait_for_selector("#detail", state="hidden")
        self.assertEqual(page.evaluate(label), at, "the focus is where it was")
        # One stop for the keyboard, not 17,000.
        self.assertEqual(page.evaluate("document.querySelectorAll('#grid [tabindex=\"0\"]').length"), 1)
        self.is_content(page)

    def test_it_fits_a_telephone_and_both_schemes(self):
        for width, height in ((1280, 900), (390, 844)):
            for scheme in ("light", "dark"):
                page = self.page(self.large.url, width, height, scheme)
                fits = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
                self.assertTrue(fits, f"the page scrolls sideways at {width}")
                self.assertLess(page.evaluate("document.querySelectorAll('#grid .row').length"), 60)
                self.shot(page, f"large-{width}-{scheme}")
                if width == 390:
                    page.click("#grid [role=gridcell] >> nth=2")
                    page.wait_for_selector("#detail dl")
                    self.assertTrue(page.evaluate("document.getElementById('detail').scrollWidth <= innerWidth"))
                    self.shot(page, f"detail-390-{scheme}", full=False)
                self.is_content(page)

    def test_text_can_be_read_on_its_ground(self):
        for scheme in ("light", "dark"):
            page = self.page(self.large.url, scheme=scheme)
            worst = page.evaluate(CONTRAST)
            self.assertGreaterEqual(worst["ratio"], 4.5, f"{scheme}: {worst}")

    def test_no_state_is_told_by_colour_alone(self):
        page = self.page(self.large.url)
        cells = page.evaluate(
            "[...document.querySelectorAll('#legend .cell')].map((it) => it.textContent)")
        self.assertEqual(len(set(cells)), len(cells))
        labels = page.evaluate("[...document.querySelectorAll('#grid [role=gridcell]')]"
                               ".every((it) => it.textContent && it.getAttribute('aria-label'))")
        self.assertTrue(labels)


class Silent(Case):
    """A network that swallows what is sent."""

    def test_silence_is_noticed_though_nothing_was_closed(self):
        large = fixture.Large(recorded())
        self.addCleanup(large.close)
        page = self.page(large.url)
        self.assertTrue(page.is_hidden("#lost"))
        large.is_silent.set()
        page.wait_for_selector("#lost:not([hidden])")
        self.assertRegex(page.inner_text("#lost"), r"last heard \d+ s ago")


# The least contrast of a text and the ground under it, by WCAG 2.
CONTRAST = """() => {
  const parse = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const light = (rgb) => {
    const [r, g, b] = rgb.slice(0, 3).map((it) => {
      const part = it / 255;
      return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let it = element; it; it = it.parentElement) {
      const color = parse(getComputedStyle(it).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  let worst = { ratio: 99 };
  for (const element of document.querySelectorAll('body *')) {
    const isText = [...element.childNodes].some((it) => it.nodeType === 3 && it.textContent.trim());
    if (!isText || !element.checkVisibility() || element.closest('.dim, option, noscript, .skip')) continue;
    const [ink, under] = [parse(getComputedStyle(element).color), ground(element)].map(light);
    const ratio = (Math.max(ink, under) + 0.05) / (Math.min(ink, under) + 0.05);
    if (ratio < worst.ratio) worst = { ratio, text: element.textContent.slice(0, 40), name: element.className };
  }
  return worst;
}"""


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    Stage.binary = str(pathlib.Path(sys.argv[1]).resolve())
    Case.artefacts = pathlib.Path(sys.argv[3]).resolve()
    Case.artefacts.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        Case.browser = playwright.chromium.launch(
            executable_path=sys.argv[2], args=["--no-sandbox", "--disable-dev-shm-usage"])
        names = sys.argv[4:]
        loader = unittest.TestLoader()
        loader.testNamePatterns = [f"*{name}*" for name in names] or None
        suite = loader.loadTestsFromModule(sys.modules[__name__])
        result = unittest.TextTestRunner(verbosity=2).run(suite)
        Case.browser.close()
    sys.exit(0 if result.wasSuccessful() and result.testsRun else 1)


if __name__ == "__main__":
    main()
