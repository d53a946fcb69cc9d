"""How heavy the built pages are and how soon a slow phone shows them: a line for each page, and a JSON file of all.

    make site-audit                                   every page of _build/html (`make book` first), about a minute
    python tools/site_audit.py index.html [...]       only these; --store keeps them in book/measured/site.json

A phone 390 pixels wide, four times slower than this processor, on a slow 4G line (150 ms, 1.6 Mbit/s) and with an empty
cache opens each page from a server that compresses, as the published one does. Sizes are of what is sent, compressed.
"""

from __future__ import annotations

import argparse
import gzip
import http.server
import json
import os
import shutil
import sys
import threading
from datetime import UTC, datetime
from functools import cache, partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

import measured
from address import ROOT

HTML = ROOT / "_build" / "html"
OUT = ROOT / "_build" / "site-audit.json"
LINE = {"offline": False, "latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 750e3 / 8}
SLOWER = 4
PACKED = (".woff", ".woff2", ".png", ".jpg", ".jpeg", ".webp", ".pdf")  # already compressed
SEEN = """() => new Promise(done => new PerformanceObserver(list => {
  const largest = list.getEntries().at(-1).startTime, shift = window.shifts ?? 0;
  const paint = performance.getEntriesByName('first-contentful-paint')[0].startTime;
  const load = performance.getEntriesByType('navigation')[0].loadEventEnd;
  done({paint, largest, load, shift, nodes: document.querySelectorAll('*').length});
}).observe({type: 'largest-contentful-paint', buffered: true}))"""
WATCH_SHIFTS = """new PerformanceObserver(list => {
  for (const entry of list.getEntries()) window.shifts = (window.shifts ?? 0) + entry.value;
}).observe({type: 'layout-shift', buffered: true})"""


class Compressing(http.server.SimpleHTTPRequestHandler):
    """A server of files that compresses what can be, and keeps connections open."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        if path.is_dir():
            path = path / "index.html"
        if not path.is_file():
            return self.send_error(HTTPStatus.NOT_FOUND)
        body = sent(path)
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Length", str(len(body)))
        if path.suffix not in PACKED:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@cache
def sent(path: Path) -> bytes:
    """What goes over the line for a file."""
    return path.read_bytes() if path.suffix in PACKED else gzip.compress(path.read_bytes(), mtime=0)


def audited(browser: Any, address: str, name: str) -> dict[str, Any]:
    """One page, opened once: kilobytes, requests, elements, seconds, and what went wrong."""
    page = browser.new_page(viewport={"width": 390, "height": 844}, device_scale_factor=2, is_mobile=True)
    asked: list[str] = []
    problems: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda m: problems.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("requestfailed", lambda request: problems.append(f"failed: {request.url}"))
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", LINE)
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.add_init_script(WATCH_SHIFTS)
    page.goto(address + name, wait_until="networkidle")
    seen = page.evaluate(SEEN)
    page.context.close()
    own = {url.removeprefix(address).partition("?")[0].partition("#")[0] for url in asked if url.startswith(address)}
    problems += [f"another host: {url}" for url in asked if not url.startswith((address, "data:"))]
    return {
        "html_kb": len(sent(HTML / name)) / 1e3,
        "total_kb": sum(len(sent(HTML / file)) for file in own) / 1e3,
        "requests": len(asked),
        "elements": seen["nodes"],
        "first_paint_s": seen["paint"] / 1e3,
        "largest_paint_s": seen["largest"] / 1e3,
        "load_s": seen["load"] / 1e3,
        "layout_shift": seen["shift"],
        "problems": problems,
    }


def chromium() -> str:
    """Where Chromium is."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if not found:
        sys.exit("expected Chromium, found none: install it, or say where it is in CHROMIUM")
    return found


def main(arguments: list[str] | None = None) -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="*", help="as in the address, such as notebooks/01_classic_networks.html")
    files = sorted(path for path in HTML.rglob("*.html") if not path.is_relative_to(HTML / "_static"))
    every = [path.relative_to(HTML).as_posix() for path in files]
    parser.add_argument("--store", action="store_true")
    given = parser.parse_args(arguments)
    pages = given.pages or every
    absent = [page for page in pages if page not in every]
    if not every or absent:
        parser.error(f"expected pages of the built book ({', '.join(every) or 'make book builds it'}), got {absent}")
    found = {}
    handler = partial(Compressing, directory=HTML)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server, sync_playwright() as driver:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser = driver.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        print("first paint  largest  load   sent kB  of it HTML  requests  elements  page")
        for name in pages:
            one = found[name] = audited(browser, f"http://127.0.0.1:{server.server_port}/", name)
            print(
                f"{one['first_paint_s']:9.1f} s {one['largest_paint_s']:6.1f} s {one['load_s']:5.1f} s "
                f"{one['total_kb']:7.0f} {one['html_kb']:11.0f} {one['requests']:9} {one['elements']:9}  {name}",
                *one["problems"],
                flush=True,
            )
        version = browser.version
        browser.close()
        server.shutdown()
    about = {"date": f"{datetime.now(UTC):%Y-%m-%d}", "chromium": version, "slower": SLOWER, "line": LINE}
    OUT.write_text(json.dumps(about | {"pages": found}, indent=1), encoding="utf-8")
    if given.store:
        rows = [
            [
                name,
                f"{p['first_paint_s']:.1f} s",
                f"{p['largest_paint_s']:.1f} s",
                f"{p['total_kb']:.0f} kB",
                len(p["problems"]),
            ]
            for name, p in found.items()
        ]
        caption = (
            "Each page, opened once on a phone four times slower than this machine, on a slow line, for the first time."
        )
        columns = ["Page", "first words after", "largest picture after", "sent, compressed", "errors and warnings"]
        measured.store(
            "site", 'make site-audit SITE_AUDIT="--store"', [measured.Table(caption, columns, rows)], chromium=version
        )


if __name__ == "__main__":
    main()
