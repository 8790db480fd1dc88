"""An answer whose stream was just being closed reaches the browser all the same."""

import time
from pathlib import Path
from typing import Any

import pytest

from tests.ui.test_page import Server, choose, chromium, page, picture, server, until

__all__ = ["chromium", "page", "picture", "server"]  # fixtures

pytestmark = pytest.mark.browser
CLOSED = 'data: {"msg": "close_stream"}\n\n'


def test_a_file_opens_though_the_stream_of_its_answer_was_closed(
    page: Any, server: Server, picture: Path
) -> None:
    page.goto(server.url)
    page.wait_for_selector("#draw")
    closed: list[str] = []

    def close(route: Any) -> None:
        closed.append(route.request.url)
        route.fulfill(content_type="text/event-stream", body=CLOSED)

    page.route("**/queue/data*", close)
    choose(page, picture)
    until(lambda: "Opening." in page.input_value("#status textarea"))
    time.sleep(1)  # in which the file's answer has been asked for
    page.wait_for_timeout(500)
    assert closed
    page.unroute("**/queue/data*")
    until(lambda: page.input_value("#opened textarea, #opened input") == picture.stem, 30)
