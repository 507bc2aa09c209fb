// A table that sorts by its headers and whose rows can be chosen, by pointer or by keys.

const element = (tag, className, parent) => {
  const made = document.createElement(tag);
  made.className = className;
  parent?.append(made);
  return made;
};
const compare = (a, b) =>
  typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), undefined, { numeric: true });

function render({ model, el }) {
  const get = (name) => model.get(name);
  const root = element("div", "esclab-table", el);
  const scroll = element("div", "esclab-table-scroll", root);
  let focused = -1;

  function order() {
    const rows = get("rows").map((cells, number) => ({ cells, number }));
    const [column, direction] = get("sorted_by");
    if (column < 0) return rows;
    // Cells without a value stay at the end, whichever way it is sorted.
    const empty = (row) => row.cells[column][1] === null;
    return rows.sort((a, b) => {
      if (empty(a) || empty(b)) return Number(empty(a)) - Number(empty(b)) || a.number - b.number;
      return direction * compare(a.cells[column][1], b.cells[column][1]) || a.number - b.number;
    });
  }

  function sortBy(column) {
    const [old, direction] = get("sorted_by");
    model.set("sorted_by", [column, old === column ? -direction : 1]);
    model.save_changes();
  }

  function choose(number) {
    model.set("chosen", number);
    model.set("clicks", get("clicks") + 1);
    model.save_changes();
  }

  function keyDown(event) {
    const row = event.target.closest("tbody tr");
    if (!row) return;
    const rows = [...row.parentElement.children];
    const at = rows.indexOf(row);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (to !== undefined) rows[Math.min(Math.max(to, 0), rows.length - 1)].focus();
    else if (event.key === "Enter" || event.key === " ") choose(Number(row.dataset.number));
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  function paint() {
    const inside = scroll.contains(document.activeElement);
    const header = inside ? document.activeElement.dataset.column : undefined;
    const top = scroll.scrollTop;
    scroll.style.maxHeight = `${get("height_px")}px`;
    const table = element("table", "");
    table.setAttribute("aria-label", get("title"));
    if (get("title")) element("caption", "", table).textContent = get("title");
    const head = element("tr", "", element("thead", "", table));
    const [by, direction] = get("sorted_by");
    get("columns").forEach(([name, kind], column) => {
      const cell = element("th", kind === "number" ? "esclab-number" : "", head);
      cell.scope = "col";
      cell.setAttribute("aria-sort", column !== by ? "none" : direction > 0 ? "ascending" : "descending");
      const button = element("button", "", cell);
      button.dataset.column = column;
      button.title = `Sort by ${name}; again for the other way`;
      button.textContent = name + (column !== by ? "" : direction > 0 ? " ▲" : " ▼");
      button.addEventListener("click", () => sortBy(column));
    });
    const body = element("tbody", "", table);
    const faint = new Set(get("faint"));
    const rows = order();
    const first = rows.some((row) => row.number === focused) ? focused : rows[0]?.number;
    for (const { cells, number } of rows) {
      const line = element("tr", faint.has(number) ? "esclab-faint" : "", body);
      line.dataset.number = number;
      if (get("picking")) {
        line.classList.add("esclab-pick");
        line.setAttribute("aria-selected", String(number === get("chosen")));
        line.tabIndex = number === first ? 0 : -1;
        line.addEventListener("click", () => choose(number));
        line.addEventListener("focus", () => (focused = number));
      }
      cells.forEach(([text], column) => {
        const kind = get("columns")[column][1];
        element("td", kind === "number" ? "esclab-number" : "", line).textContent = text;
      });
    }
    scroll.replaceChildren(table);
    if (!rows.length) element("div", "esclab-table-empty", scroll).textContent = get("empty");
    scroll.scrollTop = top;
    if (header !== undefined) scroll.querySelector(`button[data-column="${header}"]`)?.focus();
    else if (inside && focused >= 0) scroll.querySelector(`tr[data-number="${focused}"]`)?.focus();
  }

  scroll.addEventListener("keydown", keyDown);
  let soon = 0;
  const paintSoon = () => {
    soon ||= requestAnimationFrame(() => {
      soon = 0;
      paint();
    });
  };
  for (const name of ["rows", "columns", "sorted_by", "chosen", "faint", "title", "empty", "picking", "height_px"]) {
    model.on(`change:${name}`, paintSoon);
  }
  paint();
}

export default { render };
