"""A figure on a page that is slow: plotly's script is late, what was sent meanwhile is not lost, no drawing fails."""

from __future__ import annotations

import pytest

from esclab.widgets.canvas import STATIC

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
# Draws a figure by our module and the page's plotly, and takes it off in the midst of its first or a later drawing.
TAKEN_OFF = """async ([source, when]) => {
  const address = URL.createObjectURL(new Blob([source], {type: 'text/javascript'}));
  const widget = (await import(address)).default();
  const values = {_widget_data: [{y: [1, 2], uid: 'a'}], _widget_layout: {}, _config: {}}, listeners = {};
  const model = {
    get: name => values[name], set: (name, value) => { values[name] = value; }, save_changes() {}, off() {},
    on: (name, listener) => { listeners[name] = listener; },
  };
  const el = document.body.appendChild(document.createElement('div'));
  widget.initialize({model});
  const remove = await widget.render({model, el});
  if (when === 'later drawing') {
    await new Promise(resolve => setTimeout(resolve, 500));
    values._py2js_relayout = {relayout_data: {width: 400, height: 300}, layout_edit_id: 1, source_view_id: ''};
    listeners['change:_py2js_relayout']();
  }
  const drawn = el.querySelectorAll('.scatterlayer .trace').length;
  remove();
  await new Promise(resolve => setTimeout(resolve, 500));
  el.remove();
  return [drawn, '_fullLayout' in el];
}"""


def wait_until_drawn(page, heights, width):
    page.wait_for_function(
        f"wanted => JSON.stringify(({DRAWN})()) === wanted", arg=f"[[[{','.join(map(str, heights))}],{width}]]"
    )


@pytest.fixture(scope="module")
def notebook(open_notebook):
    opened = open_notebook(*CELLS)
    opened.begin()
    wait_until_drawn(opened.page, [5, 5, 5], 500)
    return opened


@pytest.mark.parametrize("when", ["first drawing", "later drawing"])
def test_a_figure_taken_off_while_it_draws_leaves_no_error(notebook, when):
    drawn, kept = notebook.page.evaluate(TAKEN_OFF, [(STATIC / "plotly_figure.js").read_text(), when])
    assert drawn == 1
    assert not kept  # plotly's hold on the page is gone
    notebook.check()


def test_changes_before_the_script_is_there_are_drawn(notebook):
    page = notebook.page
    page.evaluate(SLOW, SLOW_MS)
    notebook.run_again()
    assert page.evaluate(DRAWN) == []  # the new figure has no script yet
    wait_until_drawn(page, [5, 5, 5], 500)
    page.evaluate(f"() => {{ void {KERNEL}.requestExecute({{ code: 'figure.data[0].y = [6, 7, 8]' }}); }}")
    wait_until_drawn(page, [6, 7, 8], 500)
    page.wait_for_timeout(200)
    assert page.locator(".js-plotly-plot .scatterlayer path.js-line").count() == 1
