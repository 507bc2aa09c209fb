"""A figure on a page that is slow: plotly's script comes late, and what was sent meanwhile is not lost."""

from __future__ import annotations

CELLS = (
    "from esclab.widgets.plotly_figure import new_figure\nfigure = new_figure(width=400, height=300)\nfigure",
    "figure.add_scatter(x=[1, 2, 3], y=[1, 4, 9]);\nfigure.data[0].y = [5, 5, 5]\nfigure.layout.width = 500",
)
SLOW_MS = 4_000  # longer than the two seconds in which anywidget lets a widget begin
SLOW = """wait => {
  globalThis.esclabPlotly = undefined;
  const blob = Response.prototype.blob;
  Response.prototype.blob = async function () {
    await new Promise(resolve => setTimeout(resolve, wait));
    return blob.call(this);
  };
}"""
DRAWN = """() => [...document.querySelectorAll('.js-plotly-plot')].map(
  plot => [plot.calcdata?.[0]?.map(point => point.y), plot._fullLayout?.width])"""
KERNEL = "jupyterapp.shell.currentWidget.sessionContext.session.kernel"


def wait_until_drawn(page, heights, width):
    page.wait_for_function(
        f"wanted => JSON.stringify(({DRAWN})()) === wanted", arg=f"[[[{','.join(map(str, heights))}],{width}]]"
    )


def test_changes_before_the_script_is_there_are_drawn(run_notebook):
    notebook = run_notebook(*CELLS)
    page = notebook.page
    wait_until_drawn(page, [5, 5, 5], 500)
    page.evaluate(SLOW, SLOW_MS)
    notebook.run_again()
    assert page.evaluate(DRAWN) == []  # the new figure has no script yet
    wait_until_drawn(page, [5, 5, 5], 500)
    page.evaluate(f"() => {{ void {KERNEL}.requestExecute({{ code: 'figure.data[0].y = [6, 7, 8]' }}); }}")
    wait_until_drawn(page, [6, 7, 8], 500)
    page.wait_for_timeout(200)
    assert page.locator(".js-plotly-plot .scatterlayer path.js-line").count() == 1
