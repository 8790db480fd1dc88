"""Fetch answers that Gradio left on the server.

It closes the stream by which answers reach the browser whenever nothing is left to answer, and the
browser opens another with its next event. An event that is sent while the closing is still on its
way opens none, since the browser believes the old one open; its answer lies on the server until
something else is asked, so that the page seems to hang, or shows what belongs to the radiograph of
before. So something is asked every few seconds. Keeping the stream open instead would take one more
of the six connections that a browser has to a server for all its tabs.
"""

import gradio as gr

SECONDS = 2.0  # that an answer is late at most


def fetch_lost_answers() -> None:
    """Let the page that is being built ask for nothing again and again, which opens a stream.

    A tick's own answer may be lost too, so that the next must not wait for it.
    """
    gr.Timer(SECONDS).tick(
        lambda: None,
        None,
        None,
        queue=True,
        show_progress="hidden",
        trigger_mode="multiple",
        concurrency_limit=None,
        api_visibility="private",
    )
