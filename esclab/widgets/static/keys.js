// Keys of the explorer around this widget. JupyterLab's shortcuts of one letter or arrow would otherwise act on the
// notebook while the focus is on a list, a slider or a button in here; those with Ctrl, Alt or Cmd still do.

const FIELDS = "input:not([type=checkbox]):not([type=radio]):not([type=button]), textarea, [contenteditable=true]";
const PRESSED = "button, a, select:not([size]), input, [role=button], .esclab-sound-glass, audio";
const NOTEBOOK = ["Escape", "Shift Enter"];
const TIPPED = "label, label span, .widget-label, select, input, textarea, [role=slider]";
const TIP_MS = 100;

function render({ model, el }) {
  const line = document.createElement("span");
  line.className = "esclab-keys";
  line.style.cssText = "color: var(--jp-ui-font-color2, #5a5a5a); font-size: 12px; padding-left: 8px";
  line.textContent = model.get("hint");
  el.append(line);
  let explorer = null;
  let frame = 0;
  let tipping = 0;
  let focused = null;
  const heard = new Set();

  function act(event) {
    const { key, target } = event;
    if (target.closest(FIELDS)) return;
    if (key === " ") {
      if (target.closest(PRESSED)) return;
      event.preventDefault();
      (explorer.querySelector(".esclab-sound-last") ?? explorer.querySelector(".esclab-sound-play"))?.click();
      // A list finds its entries by their letters.
    } else if (model.get("letters").includes(key) && !target.closest("select")) {
      event.preventDefault();
      model.send({ type: "key", key });
    }
  }

  function press(event) {
    const name = `${event.shiftKey ? "Shift " : ""}${event.key}`;
    if (event.ctrlKey || event.altKey || event.metaKey || NOTEBOOK.includes(name)) return;
    act(event);
    event.stopPropagation();
  }

  // Most controls of ipywidgets with a label show no tooltip, some their label, some "null".
  async function tip(id) {
    const control = await model.widget_manager.get_model(id).catch(() => null);
    if (control && !heard.has(control)) control.on("change:tooltip", tipSoon);
    heard.add(control);
    for (const view of await Promise.all(Object.values(control?.views || {}))) {
      const title = control.get("tooltip") || "";
      for (const part of [view.el, ...view.el.querySelectorAll(TIPPED)]) if (part.title !== title) part.title = title;
    }
  }

  function tipSoon() {
    clearTimeout(tipping);
    tipping = setTimeout(() => model.get("controls").forEach(tip), TIP_MS);
  }

  const isWidget = (node) => node.nodeType === Node.ELEMENT_NODE && node.classList.contains("jupyter-widgets");
  const watcher = new MutationObserver((changes) => {
    if (changes.some((change) => [...change.addedNodes].some(isWidget))) tipSoon();
    // A button that is switched off while it has the focus leaves it to the page, where keys mean something else.
    if (focused?.disabled && changes.some((change) => change.target === focused)) stay();
  });

  // Keys belong to the explorer also after a click on an empty place in it: JupyterLab would take them for the cell's.
  function stay() {
    const active = document.activeElement;
    if (!explorer.contains(active) || active.disabled) explorer.focus({ preventScroll: true });
  }
  const staySoon = () => setTimeout(stay, 0);
  const noteFocus = (event) => (focused = event.target);

  const listeners = [["keydown", press], ["click", staySoon], ["focusin", noteFocus]];

  // The explorer is there once all its widgets are.
  function seek() {
    explorer = el.closest(".esclab-explorer");
    if (explorer) {
      explorer.tabIndex = -1;
      explorer.style.outline = "none";
      for (const [name, heed] of listeners) explorer.addEventListener(name, heed);
      watcher.observe(explorer, { childList: true, subtree: true, attributes: true, attributeFilter: ["disabled"] });
      tipSoon();
    } else frame = requestAnimationFrame(seek);
  }
  seek();
  model.on("change:controls", tipSoon);
  return () => {
    cancelAnimationFrame(frame);
    clearTimeout(tipping);
    watcher.disconnect();
    for (const control of heard) control?.off("change:tooltip", tipSoon);
    for (const [name, heed] of listeners) explorer?.removeEventListener(name, heed);
  };
}

export default { render };
