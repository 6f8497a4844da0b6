"""What a page is looked at for: complaints of the browser, WCAG, width, focus."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import ConsoleMessage, Page

DESKTOP, PHONE, SMALL_PHONE = (1280, 900), (390, 844), (320, 640)
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
COLOUR = ["color-contrast", "link-in-text-block"]
LAYOUT = [*COLOUR, "target-size", "scrollable-region-focusable", "aria-hidden-focus", "css-orientation-lock"]

# (size of the window, whether scripts run) of a reader.
WAYS = [
    pytest.param(DESKTOP, True, id="desktop"),
    pytest.param(DESKTOP, False, id="desktop-without-script"),
    pytest.param(PHONE, True, id="phone"),
    pytest.param(PHONE, False, id="phone-without-script"),
]


@dataclass
class Complaints:
    """What the browser's console says against the pages of one context; a refused answer is said by its status."""

    said: list[str] = field(default_factory=list)
    forgiven: tuple[str, ...] = ()

    def listen(self, page: Page) -> None:
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.said.append(f"{page.url}: {error}"))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not any(part in message.text for part in self.forgiven):
            self.said.append(f"{message.location.get('url')}: {message.text}")


def size(page: Page, width_and_height: tuple[int, int]) -> None:
    width, height = width_and_height
    page.set_viewport_size({"width": width, "height": height})


def settle(page: Page) -> None:
    """Until no colour is on its way from one scheme to the other: Django’s admin always fades."""
    page.evaluate("Promise.allSettled(document.getAnimations().map(animation => animation.finished))")


def violations(page: Page, rules: list[str] | None = None) -> list[str]:
    """Every broken rule of WCAG 2.2 AA with the elements that break it; `rules` asks for these alone."""
    if not page.evaluate("typeof window.axe === 'object'"):
        # The debugger's door, which the page's policy does not guard: the policy itself stays in force.
        page.evaluate(AXE_SCRIPT)
    # Axe reads files that a style sheet imports by way of a style of its own, which the policy refuses.
    has_imports = "/admin/" in page.url
    only: dict[str, Any] = {"type": "rule", "values": rules} if rules else {"type": "tag", "values": WCAG}
    found = page.evaluate(
        "([only, preload]) => axe.run(document, {runOnly: only, preload, resultTypes: ['violations']})"
        ".then(result => result.violations)",
        [only, not has_imports],
    )
    return [
        f"{rule['id']}: {' '.join(map(str, node['target']))} {node['html'][:160]} ({_reason(node)})"
        for rule in found
        for node in rule["nodes"]
    ]


def _reason(node: dict[str, Any]) -> str:
    return "; ".join(check["message"] for check in [*node["any"], *node["all"], *node["none"]])[:200]


def overflow(page: Page) -> list[str]:
    """What makes the page wider than its window; empty when nothing does."""
    return page.evaluate(
        """() => {
            const width = document.documentElement.clientWidth;
            if (document.documentElement.scrollWidth <= width) return [];
            const wide = [...document.querySelectorAll("body *")]
                .filter(e => e.getBoundingClientRect().right > width + 0.5)
                .map(e => `${e.tagName.toLowerCase()}.${e.className}`);
            return [`${document.documentElement.scrollWidth}px wide`, ...wide.slice(0, 8)];
        }"""
    )


def focused(page: Page) -> dict[str, Any]:
    """The element that has the focus: its words, whether it can be seen, and the ring around it."""
    return page.evaluate(
        """() => {
            const element = document.activeElement, style = getComputedStyle(element);
            const box = element.getBoundingClientRect();
            return {
                place: element === document.body ? "" : `${element.tagName.toLowerCase()} ${element.className} ` +
                    `${element.id} ${(element.textContent || element.name || "").trim().slice(0, 40)}`,
                isSkipLink: element.matches(".skip-link, .skip-to-content-link"),
                isSeen: box.width > 0 && box.height > 0 && box.bottom > 0 && box.right > 0,
                ring: style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth),
                shadow: style.boxShadow !== "none",
            };
        }"""
    )
