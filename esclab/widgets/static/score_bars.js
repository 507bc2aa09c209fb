// Class scores of several models before and after a change: two bars a class and model, with the number written out.

const element = (tag, className, parent, text) => {
  const made = document.createElement(tag);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  parent?.append(made);
  return made;
};

function render({ model, el }) {
  const root = element("div", "esclab-scores", el);

  function paint() {
    const models = model.get("models");
    const names = model.get("class_names");
    const before = model.get("before");
    const after = model.get("after");
    const truth = model.get("true_class");
    root.replaceChildren();
    const most = model.get("most");
    models.forEach((name, m) => {
      if (!before[m] || !after[m]) return;
      const table = element("table", "esclab-scores-table", root);
      const answer = names[after[m].indexOf(Math.max(...after[m]))];
      const was = names[before[m].indexOf(Math.max(...before[m]))];
      const caption = element("caption", "", table);
      element("b", "", caption, name);
      const verdict = truth ? (answer === truth ? " ✓" : " ✗") : "";
      element("span", "esclab-scores-answer", caption, was === answer ? ` hears ${answer}${verdict}` : ` hears ${answer}${verdict}, was ${was}`);
      const order = names.map((_, n) => n);
      const shown = new Set([...order].sort((a, b) => Math.max(before[m][b], after[m][b]) - Math.max(before[m][a], after[m][a])).slice(0, most));
      for (const n of order.filter((n) => shown.has(n))) {
        const row = element("tr", names[n] === answer ? "esclab-scores-top" : "", table);
        const label = element("th", "", row, names[n] + (names[n] === truth ? " (true)" : ""));
        label.scope = "row";
        const cell = element("td", "esclab-scores-bars", row);
        for (const [kind, values] of [["before", before[m]], ["after", after[m]]]) {
          const bar = element("div", `esclab-scores-bar esclab-scores-${kind}`, cell);
          bar.style.width = `${(100 * values[n]).toFixed(2)}%`;
        }
        element("td", "esclab-scores-number", row, `${(100 * after[m][n]).toFixed(0)} %`);
        const change = 100 * (after[m][n] - before[m][n]);
        element("td", "esclab-scores-change", row, Math.abs(change) < 0.5 ? "" : `${change > 0 ? "▲" : "▼"} ${Math.abs(change).toFixed(0)}`);
      }
    });
    root.dataset.painted = String(Number(root.dataset.painted || 0) + 1);
  }

  model.on("change:after change:before change:models change:class_names change:true_class", paint);
  root.setAttribute("aria-live", "polite");
  paint();
}

export default { render };
