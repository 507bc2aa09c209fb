// Class scores of several models before and after a change: two bars a class and model, with the number written out.

const element = (tag, className, parent, text) => {
  const made = document.createElement(tag);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  parent?.append(made);
  return made;
};
const write = (node, text) => {
  if (node.textContent !== text) node.textContent = text;
};
const winner = (names, scores) => names[scores.indexOf(Math.max(...scores))];

// The classes worth a row: the likeliest before or after, in the order of the classes.
function chooseRows(before, after, most) {
  const score = (n) => Math.max(before[n], after[n]);
  const order = after.map((_, n) => n);
  const shown = new Set([...order].sort((a, b) => score(b) - score(a)).slice(0, most));
  return order.filter((n) => shown.has(n));
}

function buildTable(name, classes, parent) {
  const table = element("table", "esclab-scores-table", parent);
  const caption = element("caption", "", table);
  element("b", "", caption, name);
  const verdict = element("span", "esclab-scores-answer", caption);
  const rows = classes.map((label) => {
    const row = element("tr", "", table);
    element("th", "", row, label).scope = "row";
    const cell = element("td", "esclab-scores-bars", row);
    const bars = ["before", "after"].map((kind) => element("div", `esclab-scores-bar esclab-scores-${kind}`, cell));
    return { row, bars, number: element("td", "esclab-scores-number", row), change: element("td", "esclab-scores-change", row) };
  });
  return { verdict, rows };
}

function render({ model, el }) {
  const root = element("div", "esclab-scores", el);
  let built = "";
  let tables = [];

  function paint() {
    const [models, names, truth] = ["models", "class_names", "true_class"].map((name) => model.get(name));
    const scores = models.map((_, m) => [model.get("before")[m], model.get("after")[m]]);
    const chosen = scores.map(([before, after]) => (before && after ? chooseRows(before, after, model.get("most")) : null));
    // The nodes stay while the rows do: to lay out new ones takes longer than to write into these.
    const wanted = JSON.stringify([models, names, truth, chosen]);
    if (wanted !== built) {
      root.replaceChildren();
      const label = (n) => names[n] + (names[n] === truth ? " (true)" : "");
      tables = models.map((name, m) => chosen[m] && buildTable(name, chosen[m].map(label), root));
      built = wanted;
    }
    scores.forEach(([before, after], m) => {
      if (!chosen[m]) return;
      const [was, answer] = [winner(names, before), winner(names, after)];
      const mark = truth ? (answer === truth ? " ✓" : " ✗") : "";
      write(tables[m].verdict, ` hears ${answer}${mark}${was === answer ? "" : `, was ${was}`}`);
      chosen[m].forEach((n, place) => {
        const { row, bars, number, change } = tables[m].rows[place];
        row.className = names[n] === answer ? "esclab-scores-top" : "";
        [before, after].forEach((values, side) => (bars[side].style.width = `${(100 * values[n]).toFixed(2)}%`));
        write(number, `${(100 * after[n]).toFixed(0)} %`);
        const points = 100 * (after[n] - before[n]);
        write(change, Math.abs(points) < 0.5 ? "" : `${points > 0 ? "▲" : "▼"} ${Math.abs(points).toFixed(0)}`);
      });
    });
    root.dataset.painted = String(Number(root.dataset.painted || 0) + 1);
  }

  model.on("change:after change:before change:models change:class_names change:true_class", paint);
  root.setAttribute("aria-live", "polite");
  paint();
}

export default { render };
