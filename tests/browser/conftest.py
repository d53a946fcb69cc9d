"""Shares the browser's tests out to several processes: all that look at one page in one, which then loads it once."""

import re

from xdist.scheduler import LoadScopeScheduling


class ByPage(LoadScopeScheduling):  # not --dist loadgroup: of pytest-xdist 3.8 it groups nothing under pytest 9.2
    def _split_scope(self, nodeid: str) -> str:
        page = re.search(r"[\w/]+\.html", nodeid)
        return page[0] if page else nodeid


def pytest_xdist_make_scheduler(config, log):
    return ByPage(config, log)
