"""The page as a whole: four tabs, served on this machine alone, without anything from elsewhere."""

from __future__ import annotations

import atexit
import os
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

from gantools.errors import GanToolsError

if TYPE_CHECKING:
    import gradio

ADDRESS = "127.0.0.1"
_TABS = ("translate", "generate", "runs", "weights")
_STYLE = """
footer {display: none !important}
.gradio-container {width: 100% !important; max-width: 1200px !important; margin: auto}
#w-card td:first-child {white-space: nowrap; word-break: normal}
#w-card thead:not(:has(th:not(:empty))) {display: none}
.below-buttons img {padding-top: 28px}
.toast-message-text {white-space: pre-line}
@media (max-width: 500px) {
  .tab-wrapper button {padding: 0 6px !important; font-size: 14px !important}
  .gradio-container main {padding: 8px}
  .gradio-container .row {flex-direction: column}
  #w-card th, #w-card td {padding: 5px !important; font-size: 14px; word-break: normal; overflow-wrap: normal}
  #w-card td:first-child {white-space: normal}
  #g-gallery .grid-container {grid-template-columns: repeat(2, minmax(0, 1fr)) !important}
}
"""


def build_page(runs: Path, device: str = "auto") -> gradio.Blocks:
    """Lay the page out; GanToolsError if gradio is not installed."""
    gr = _gradio()
    from importlib import import_module

    from gantools.ui.place import Place

    place = Place(runs, device)
    with gr.Blocks(title="gantools", analytics_enabled=False, delete_cache=(600, 3600)) as page:
        gr.Markdown("# gantools")
        for name in _TABS:
            with gr.Tab(name):
                import_module(f"gantools.ui.{name}").build(place)
    page.queue(default_concurrency_limit=1, max_size=20)
    return page


def serve(page: gradio.Blocks, port: int, open_browser: bool = False) -> str:
    """Serve the page on this machine from now on and return its address; `Blocks.block_thread` waits for Ctrl-C."""
    gr = _gradio()
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    from gantools.ui.place import MEGABYTES

    own_name = Middleware(TrustedHostMiddleware, allowed_hosts=[ADDRESS, "localhost"])  # other pages may not rename us

    try:
        _, address, _ = page.launch(
            server_name=ADDRESS, server_port=port, share=False, inbrowser=open_browser, quiet=True,
            prevent_thread_lock=True, allowed_paths=[], max_file_size=MEGABYTES * 2**20, enable_monitoring=False,
            footer_links=[], theme=_theme(gr), css=_STYLE, ssr_mode=False, show_error=True,
            app_kwargs={"middleware": [own_name]},
        )  # fmt: skip
    except OSError:
        raise GanToolsError(f"port {port} is taken", f"give another: gantools ui --port {port + 1}") from None
    return str(address)


def _gradio() -> Any:
    """Import gradio, with everything off that would reach out of this machine."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_OFFLINE"] = "1"
    if "GRADIO_TEMP_DIR" not in os.environ:  # uploads and results, for no longer than the page is there
        os.environ["GRADIO_TEMP_DIR"] = mkdtemp(prefix="gantools-ui-")
        atexit.register(rmtree, os.environ["GRADIO_TEMP_DIR"], ignore_errors=True)
    try:
        import gradio
    except ImportError:
        raise GanToolsError("the page needs gradio", "pip install 'gantools[ui]'") from None
    return gradio


def _theme(gr: Any) -> Any:
    sans, mono = ("system-ui", "sans-serif"), ("ui-monospace", "monospace")  # strings: no font is fetched
    return gr.themes.Default(primary_hue="blue", font=sans, font_mono=mono)
