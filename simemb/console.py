"""The console for what people see of tables and bars: one door, as `simemb.streams` is for plain lines."""

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from simemb.streams import is_muted, visible


class PlainConsole(Console):
    """A console of rich to which texts are only texts.

    Square brackets and :words: mean nothing, and what acts on a terminal is spelt out (`simemb.streams.visible`),
    before the width of a text is measured. Colors and bars are rich's own.
    """

    def __init__(self, *, stderr: bool = False):
        super().__init__(stderr=stderr, quiet=is_muted(), markup=False, emoji=False, highlight=False)

    def render_str(self, text: str, *arguments: Any, **options: Any) -> Text:
        """A text as it is, spelt out."""
        return super().render_str(visible(text), *arguments, **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The pieces of anything; texts that came here by another way than `render_str` are spelt out too."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(visible(segment.text), segment.style)

    def on_broken_pipe(self) -> None:
        """Leave it to `simemb.cli` that whoever read our output has gone."""
        raise
